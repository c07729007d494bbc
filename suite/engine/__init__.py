"""One run: build, train, evaluate, write down. It knows nothing of MLflow, of other runs or of the terminal."""
