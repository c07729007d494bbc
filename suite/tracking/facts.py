"""What a run's MLflow record holds besides numbers: parameters to compare, tags to group by, a note to read."""

import getpass
import json
import math
from typing import TYPE_CHECKING, Any

from suite.data.catalog import data_set
from suite.data.dataset import GREY, DataSet
from suite.data.frozen import described, folder_of, is_here
from suite.disk.documents import Record, Result
from suite.disk.journal import Run
from suite.text import plural

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

# What a record has of a run's environment, in the order in which a report shows it.
ENVIRONMENT = (
    "cpu",
    "cpu_capability",
    "way",
    "numeric_class",
    "cores",
    "threads",
    "system",
    "python",
    "torch",
    "numpy",
    "suite",
)


def parameters(experiment: str, recipe: Record) -> dict[str, Any]:
    """The recipe as flat scalars, with the same names in every experiment, so that runs can be compared."""
    flat = {key: json.dumps(value) if isinstance(value, list) else value for key, value in recipe.items()}
    return {"experiment": experiment, **flat, "log10_lr": round(math.log10(recipe["lr"]), 6)}


def tags(run: Run, facts: Record) -> dict[str, str]:
    """Tags: user, experiment, version of the program, machine. Where MLflow has a name for a tag, that name is used."""
    environment = facts["environment"]
    labels = {
        "mlflow.user": user(),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": f"python -m suite run {run.experiment}",
        "suite.kind": "run",
        "suite.experiment": run.experiment,
        "suite.identity": run.identity,
        "suite.seed": run.seed,
        "suite.overrides": json.dumps(facts["overrides"], sort_keys=True),
        "suite.source": json.dumps(facts["source"], ensure_ascii=False, sort_keys=True),
        **{f"suite.env.{key}": environment[key] for key in ENVIRONMENT if key in environment},
    }
    shape = data_set(facts["recipe"]["data"]).shape
    if shape != GREY:
        labels["suite.image"] = "×".join(map(str, shape))
    if "git_commit" in environment:
        labels["mlflow.source.git.commit"] = environment["git_commit"]
        labels["suite.git_dirty"] = environment["git_dirty"]
    return {key: str(value) for key, value in labels.items()}


def datasets(recipe: Record) -> list["DatasetInput"]:
    """The data sets for MLflow's dataset column: one entry for training and one for testing."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    data = data_set(recipe["data"])
    return [
        DatasetInput(
            Dataset(
                name=data.name,
                digest=digest[:36],  # MLflow's limit; it identifies a data set by its digest
                source_type="code",
                source=json.dumps({"tags": {"title": data.title}}, ensure_ascii=False),
                profile=json.dumps({"num_rows": rows, **_described(data)}, ensure_ascii=False),
            ),
            [InputTag("mlflow.data.context", context)],
        )
        for context, rows, digest in (
            ("training", data.train, data.training_digest),
            ("testing", data.test, data.test_digest),
        )
    ]


def _described(data: DataSet) -> dict[str, Any]:
    """Shape and classes of a set that other versions of the program may not know, and one's own."""
    if not data.frozen:
        return {}
    folder = folder_of(data.name)  # of published archives the contents' own digest is pinned in the cache
    contents = {"contents_sha256": described(folder).digest} if is_here(data.name) else {}
    return {"shape": data.shape, "classes": data.classes, **contents}


def note(run: Run, facts: Record, result: Result) -> str:
    """A run's key figures as text. MLflow shows it at the top of the run's page."""
    environment = facts["environment"]
    where = f"{environment['cpu']}, torch {environment['torch']}, {environment['threads']} thread"
    if result["status"] == "diverged":
        return f"**Diverged** in epoch {result['epoch']}: the loss was no finite number. No accuracy.\n\n{where}"
    metrics, clock = result["metrics"], result["clock"]
    return "\n".join(
        (
            f"**{metrics['test/accuracy']:.4f}** of {metrics['test/images']:,} test images right; on the source's "
            f"{metrics['test/source_images']:,}: {metrics['test/source_accuracy']:.4f}.",
            "",
            f"{clock['perf/train_images_per_second']:,.0f} images/s in training, "
            f"{clock['perf/seconds_per_epoch']:.1f} s an epoch, {clock['perf/peak_memory_mib']:,.0f} MiB. {where}.",
            "",
            f"Seed {run.seed}, recipe `{run.identity[:12]}`, weights `{result['weights_sha256'][:12]}`.",
        )
    )


def group_note(identity: str, figures: Record) -> str:
    """A parent run's key figures as text: means over its seeds, and the standard deviation if there are two or more."""
    spread = f" ± {figures['test/accuracy_sd']:.4f}" if "test/accuracy_sd" in figures else ""
    return "\n".join(
        (
            f"**{figures['test/accuracy']:.4f}**{spread} of {figures['test/images']:,.0f} test images right, "
            f"over {plural(figures['seeds/n'], 'seed')}.",
            "",
            f"{figures['perf/train_images_per_second']:,.0f} images/s in training, "
            f"{figures['perf/seconds_per_epoch']:.1f} s an epoch, {figures['perf/peak_memory_mib']:,.0f} MiB.",
            "",
            f"Recipe `{identity[:12]}`; the runs beneath are its seeds.",
        )
    )


def user() -> str:
    """The name of the user who is logged in."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container the user may have no name
        return "unknown"
