"""MLflow: the record that people read, written from the run folders. The only room that imports mlflow."""
