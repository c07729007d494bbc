"""A cluster for all tests of a session, and homes of drivers that no node can see."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.clusters import Cluster, can_unshare
from tests.conftest import SLOW, Answer, Workspace, answer_of, furnish

SECRET = "correct-horse-battery"
TELLING = SLOW.replace(
    "    import time\n", "    import os\n    import time\n\n    print(sorted(os.environ.items()))\n", 1
)
# variables that a driver may have and no run may see
CREDENTIALS = {
    "PGPASSWORD": SECRET,
    "SUITE_STUDY_STORAGE": "",
    "SOME_ADDRESS": f"postgresql://me:{SECRET}@database.invalid/studies",
}

Give = Callable[..., subprocess.Popen[str]]


@dataclass(frozen=True)
class Driver:
    """A home, and commands given in it that train on a cluster."""

    cluster: Cluster
    home: Workspace

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Give a command to the cluster and go on."""
        return self.start_here(*words, "--engine", "ray", "--address", self.cluster.address, **variables)

    def start_here(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Give a command that trains nothing, in the network of the cluster, and go on."""
        furnish(self.home.home)
        environment = {**self.home.environment, **CREDENTIALS, **self.cluster.environment, **variables}
        return subprocess.Popen(
            [*self.cluster.inside, sys.executable, "-m", "suite", *words],
            cwd=self.home.home, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def suite(self, *words: str, **variables: str) -> Answer:
        """Give a command to the cluster and wait for its end."""
        return answer_of(self.start(*words, **variables))


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the homes of the tests are; it is empty on every node."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(scope="session")
def started(places: Path) -> Iterator[Cluster]:
    """A head, and the nodes that the modules add."""
    if not can_unshare():
        pytest.skip("this user may not make namespaces, so nodes cannot be told apart")
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # short, for the paths of sockets
    made = Cluster(folder, [places])
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(started: Cluster) -> Cluster:
    """A head and two nodes of one core each, also where the tests before have killed some."""
    started.nodes = [node for node in started.nodes if node.process.poll() is None]
    for _ in range(len(started.nodes), 2):
        started.add()
    started.wait()
    return started


@pytest.fixture(scope="module")
def home(places: Path, request: pytest.FixtureRequest) -> Callable[[str], Workspace]:
    """A new home, with one experiment that takes its time and prints its environment."""
    mine = places / str(request.module.__name__).rpartition(".")[2]
    own = mine / "own"
    own.mkdir(parents=True)
    (own / "slow.py").write_text(TELLING)

    def make(name: str) -> Workspace:
        (mine / name).mkdir()
        return Workspace(mine / name, {"SUITE_EXPERIMENTS": str(own)})

    return make


@pytest.fixture(scope="module")
def driver(cluster: Cluster, home: Callable[[str], Workspace]) -> Callable[[str], Driver]:
    """A new home whose commands train on the cluster."""
    return lambda name: Driver(cluster, home(name))
