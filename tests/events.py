"""Events as plain dictionaries, by which tests compare them with what their own processes say."""

from dataclasses import asdict
from typing import Any

from suite.runs.events import Busy, Done, Ended, EpochEnded, Failed, Started, Step

NAMES = {Started: "started", Step: "step", Done: "done", Failed: "failed", Busy: "busy", Ended: "ended"}


def plain(event: Any) -> dict[str, Any]:
    """`{"event": "failed", "reason": …, "code": …}`; what is a dictionary already stays as it is."""
    if isinstance(event, dict):
        return event
    if isinstance(event, EpochEnded):
        return {"event": "epoch", **event.epoch}
    return {"event": NAMES[type(event)], **asdict(event)}
