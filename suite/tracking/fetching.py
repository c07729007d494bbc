"""Reads artifacts: directly from this machine's disk if they are there, else from the server, several runs at once."""

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
SIDE_BY_SIDE = 8  # requests to a server at once: it answers one while the others are being sent

Contents = dict[str, bytes]


def fetch(store: Store, uris: Sequence[str], names: Sequence[str]) -> list[Contents]:
    """Read the artifacts `names` of each run; returns, for each URI in `uris`, the contents by name.

    A missing artifact is left out. So is one that is not a regular file or is longer than `LARGEST`. Raises
    `TrackerAway`.
    """
    with answering():
        if all(_folder(uri) for uri in uris):
            return [_from_disk(Path(_folder(uri)), names) for uri in uris]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            return list(threads.map(partial(_from_server, store.uri, names=names), uris))


def _folder(uri: str) -> str:
    """The folder that a `file:` URI names; empty for any other URI."""
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
    """Read from the server by URI: with the run's id, MLflow would request the run's row four times for each file."""
    from mlflow.artifacts import download_artifacts, list_artifacts

    there = {item.path.rpartition("/")[2] for item in list_artifacts(artifact_uri=uri, tracking_uri=tracking_uri)}
    with tempfile.TemporaryDirectory(prefix="suite-artifacts-") as scratch:
        for name in there.intersection(names):
            download_artifacts(artifact_uri=f"{uri}/{name}", dst_path=scratch, tracking_uri=tracking_uri)
        return _from_disk(Path(scratch), names)
