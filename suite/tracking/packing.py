"""Packs a run's program as a model of MLflow, in a process of its own: it knows no store."""

from suite.exporting.worker import Job, built
from suite.tracking.store import configure

FOLDER = "model"
ARCHIVE = f"{FOLDER}/data/model.pt2"  # where MLflow puts the graph


def pack(job: Job) -> dict[str, str]:
    """Write the model's folder into `job.into`; returns what a loading program must know besides.

    Raises `SuiteError` (2) for a network that has no graph.
    """
    experiment, program = built(job)
    configure()
    import mlflow.pytorch
    import numpy as np
    import torch
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    from suite.exporting.program import example, in_one_line, traced

    recipe = experiment.recipe
    traced(program, recipe, experiment.path)  # MLflow itself fixes the size of the batch without a word, if it must
    images = TensorSpec(np.dtype(np.uint8), (-1, *recipe.shape))
    scores = TensorSpec(np.dtype(np.float32), (-1, recipe.classes))
    with in_one_line(experiment.path, "torch.export"):
        mlflow.pytorch.save_model(
            program,
            job.into / FOLDER,
            signature=ModelSignature(Schema([images]), Schema([scores])),
            input_example=example(recipe).numpy(),
            serialization_format="pt2",  # without pickle, and without our classes
            pip_requirements=[f"mlflow=={mlflow.__version__}", f"torch=={torch.__version__.partition('+')[0]}"],
        )
    return {"model": ARCHIVE}
