"""Artifacts read back: from the disk where they lie on it, else over the network, several runs side by side."""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from suite.disk import files
from suite.tracking.store import Store, answering

LARGEST = 1 << 26  # bytes of an artifact that a report reads; an epoch of 60,000 probes has 3 million
SIDE_BY_SIDE = 8  # requests to a server: it answers one in the time that the others are on their way

Contents = dict[str, bytes]


def fetch(store: Store, uris: Sequence[str], names: Sequence[str]) -> list[Contents]:
    """For each run's artifact URI the contents of those of its artifacts `names` that are there, by name.

    One that is no regular file, or longer than `LARGEST`, is not there. Raises `TrackerAway`.
    """
    with answering():
        if all(_folder(uri) for uri in uris):
            return [_from_disk(Path(_folder(uri)), names) for uri in uris]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            return list(threads.map(partial(_from_server, store.uri, names=names), uris))


def _folder(uri: str) -> str:
    """The folder that a `file:` URI names; empty for any other."""
    parts = urlparse(uri)
    return url2pathname(parts.path) if parts.scheme == "file" and not parts.netloc else ""


def _from_disk(folder: Path, names: Sequence[str]) -> Contents:
    found = {}
    for name in names:
        try:
            found[name] = files.read(folder / name, LARGEST)
        except (FileNotFoundError, NotADirectoryError, files.Unfit):
            continue
    return found


def _from_server(tracking_uri: str, uri: str, names: Sequence[str]) -> Contents:
    """By URI, as the run's own row gives it: by the run's id MLflow asks for that row again, four times a file."""
    from mlflow.artifacts import download_artifacts, list_artifacts

    there = {item.path.rpartition("/")[2] for item in list_artifacts(artifact_uri=uri, tracking_uri=tracking_uri)}
    with tempfile.TemporaryDirectory(prefix="suite-artifacts-") as scratch:
        for name in there.intersection(names):
            download_artifacts(artifact_uri=f"{uri}/{name}", dst_path=scratch, tracking_uri=tracking_uri)
        return _from_disk(Path(scratch), names)
