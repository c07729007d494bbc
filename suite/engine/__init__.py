"""The engine: build, train, evaluate and store one run. It does not use MLflow, other runs or the terminal."""
