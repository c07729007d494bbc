"""Two ways of a data set to nodes that have none: `python -m tests.cluster.spreading`, at the checkout's root.

On the cluster of the tests, whose nodes have file systems and object stores of their own, the driver gives a data set
to both nodes at once: through Ray's object store, as the suite does, or so that each fetches the files by HTTP from the
machine of the driver, which is the nearest and fastest source there can be. Both end in the same check of every byte.
Needs Linux and root, for the nodes' namespaces.
"""

import argparse
import functools
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np

from suite.data import carrying, ensure
from suite.data.frozen import folder_of
from suite.data.own.reading import resolve
from tests.cluster.clusters import Cluster
from tests.conftest import ROOT, plain_environment

NODES = 2


def main() -> None:
    """Start the cluster, and measure in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500, help="of the larger set, which is made of noise")
    parser.add_argument("--times", type=int, nargs=2, default=[5, 3], help="for MNIST, and for the larger set")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # short, for the paths of sockets
    try:
        cluster = Cluster(folder, [])
        try:
            for _ in range(NODES):
                cluster.add()
            cluster.wait()
            code = f"from tests.cluster.spreading import measured; measured({asked.megabytes}, {asked.times})"
            environment = {**plain_environment(), **cluster.environment, "RAY_AUTH_MODE": "token",
                           "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", "")}  # fmt: skip
            command = [*cluster.inside, sys.executable, "-c", code, cluster.address]
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measured(megabytes: int, times: list[int]) -> None:
    """Print a line for each set and way."""
    import ray

    mnist = ensure("mnist", say=print)
    ray.init(address=sys.argv[1], log_to_driver=False, configure_logging=False)
    keys = [one["NodeID"] for one in ray.nodes() if one["Alive"] and one["Resources"].get("CPU")]
    with tempfile.TemporaryDirectory(prefix="suite-spreading-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        for name, number in ((_linked(mnist), times[0]), (_noise(megabytes, Path(folder)), times[1])):
            size = sum(map(len, carrying.contents_of(name, folder_of(name)).values())) / 1e6
            for way in (through_store, by_http):
                found = [way(keys, name) for _ in range(number + 1)][1:]
                whole, node, busy = ([one[part] for one in found] for part in ("whole", "node", "busy"))
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
                print(
                    f"{name[:12]:12} {size:4.0f} MB, {NODES} nodes, {way.__name__:13} {statistics.median(whole):6.2f} s"
                    f" ({min(whole):.2f} to {max(whole):.2f}), n={number}; processor:"
                    f" driver {statistics.median(busy):.2f} s,"
                    f" node {statistics.median(node):.2f} s; driver's largest memory {memory:.0f} MB",
                    flush=True,
                )


def _linked(mnist: Path) -> str:
    """MNIST in the cache that the driver uses here."""
    folder_of("mnist").parent.mkdir(parents=True)
    shutil.copytree(mnist, folder_of("mnist"))
    return "mnist"


def _noise(megabytes: int, folder: Path) -> str:
    """A user's own set of so many megabytes."""
    images = np.random.default_rng(0).integers(0, 256, (megabytes * 1_000_000 // 12_288, 64, 64, 3), dtype=np.uint8)
    labels = np.arange(len(images)) % 10
    few = slice(0, 100)
    np.savez(folder / "noise.npz", train_images=images[100:], train_labels=labels[100:],
             test_images=images[few], test_labels=labels[few])  # fmt: skip
    return resolve(f"npz:{folder / 'noise.npz'}")


def through_store(keys: list[str], name: str) -> dict[str, float]:
    """The way of the suite: put once, fetched by each node."""
    import ray

    return _timed(keys, name, lambda: [ray.put(carrying.contents_of(name, folder_of(name)))])


def by_http(keys: list[str], name: str) -> dict[str, float]:
    """Each node fetches the files from a server of the driver's machine."""
    with _server(folder_of(name)) as address:
        files = {file: f"{address}/{file}" for file in carrying.contents_of(name, folder_of(name))}
        return _timed(keys, name, lambda: [files])


def _timed(keys: list[str], name: str, given: Any) -> dict[str, float]:
    """Seconds until all nodes have it, and of processor time of the driver and of a node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(_keep)
    there = [NodeAffinitySchedulingStrategy(key, soft=False) for key in keys]
    began, busy = time.monotonic(), time.process_time()
    told = [task.options(scheduling_strategy=one).remote(name, given_one) for given_one in given() for one in there]
    used = ray.get(told)
    return {"whole": time.monotonic() - began, "busy": time.process_time() - busy, "node": statistics.mean(used)}


def _keep(name: str, given: dict[str, Any]) -> float:
    """On a node: keep the data set, whose files are given as bytes or as addresses, and forget it again."""
    used = time.process_time()
    contents = {file: one if isinstance(one, bytes) else _fetched(one) for file, one in given.items()}
    carrying.keep(name, contents)
    used = time.process_time() - used
    assert carrying.is_here(name)
    shutil.rmtree(folder_of(name))
    return used


def _fetched(address: str) -> bytes:
    with urlopen(address) as answer:
        return bytes(answer.read())


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


if __name__ == "__main__":
    main()
