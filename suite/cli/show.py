"""Prints one experiment: its layers, protocol and source."""

from typing import TYPE_CHECKING, Any

from suite.data.catalog import data_set
from suite.data.frozen import is_own
from suite.recipe.experiment import Experiment

if TYPE_CHECKING:
    from suite.cli.terminal import Terminal


def show_experiment(terminal: "Terminal", experiment: Experiment, facts: dict[str, Any]) -> None:
    """Print what an experiment is; `facts` are its network's layers, parameters and MACs."""
    if terminal.as_json:
        about = {"experiment": experiment.name, "identity": experiment.identity, "path": str(experiment.path)}
        terminal.json(
            "suite/show/1",
            {
                **about,
                **experiment.facts(),
                "space": dict(experiment.recipe.space),
                "network": {"text": experiment.trained_text, **facts},
            },
        )
        return
    rows = [
        (layer["name"], layer["kind"], _shape(layer["shape"]), f"{layer['parameters']:,}", _count(layer["macs"]))
        for layer in facts["layers"]
    ]
    known = all(layer["macs"] is not None for layer in facts["layers"])
    macs = f"{'' if known else 'at least '}{facts['macs']:,}"
    rows.append(("", "in all", "", f"{facts['parameters']:,}", macs))
    terminal.table(experiment.name, ("", "layer", "output shape", "parameters>", "MACs per image>"), rows)
    terminal.say("")
    values = experiment.recipe.values().items()
    terminal.table("Protocol", ("field", "value"), [(name, _words(name, value)) for name, value in values])
    terminal.say("")
    terminal.say(f"identity   {experiment.identity}")
    terminal.say(f"file       {experiment.path}")
    terminal.say(f"computed   by {_way(facts['way'])}")
    searched = " ".join(f"{name}={words}" for name, words in sorted(experiment.recipe.space.items()))
    terminal.say(f"tune       {searched or 'what --space names'}")
    for line in _source_lines(experiment):
        terminal.say(line)


def _way(way: str) -> str:
    by, _, why = way.partition(": ")
    return f"{by}, because of {why}" if why else "the suite's kernels"


def _words(field: str, value: Any) -> str:
    """A field's value; one's own data with its title too."""
    own = field == "data" and is_own(value)
    return f"{value}, which is {data_set(value).title}" if own else _plain(value)


def _source_lines(experiment: Experiment) -> list[str]:
    source = experiment.recipe.source
    if source is None:
        return []
    lines = [f"source     {source.title}"]
    if source.accuracy is not None:
        lines.append(f"published  test accuracy {source.accuracy_words or f'{source.accuracy:.4f}'}")
    if source.confused:
        one, other, images = source.confused
        lines.append(f"published  most confused: {one} and {other}, {images} images")
    if source.seconds:
        lines.append(f"published  {source.seconds:g} s on {source.machine}")
    return [*lines, *([f"remark     {source.remark}"] if source.remark else [])]


def _shape(shape: tuple[int, ...] | None) -> str:
    if shape is None:
        return "not known"
    return str(shape[0]) if len(shape) == 1 else f"({', '.join(map(str, shape))})"


def _count(macs: int | None) -> str:
    return "not counted" if macs is None else f"{macs:,}"


def _plain(value: object) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
