"""`export` and `publish`: a trained network leaves, and other programs compute with it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

import suite
from suite import data
from suite.api import exporting
from suite.disk.home import Home
from suite.tracking.store import open_store
from tests.conftest import SLOW, Workspace, assert_refused, furnish
from tests.promises.trackers import server

pytestmark = pytest.mark.commands
QUICK = SLOW.replace("sleep(0.01)", "sleep(0)").replace("epochs=6", "epochs=1, normalize=(0.13, 0.31)")
LAZY = QUICK.replace("Slow(784, 10)", "nn.LazyLinear(10)")
# The network's text has the recipe, so it does not stand alone.
GRAPH = QUICK.replace("Slow(784, 10)", "nn.Linear(784, recipe.classes)")
BRANCHING = QUICK.replace(
    "return super().forward(pixels)",
    "scores = super().forward(pixels)\n            return scores if pixels.sum() >= 0 else scores.flip(1)",
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A home with three seeds of a network, and a run each of one whose text needs more and of one without a graph."""
    top = tmp_path_factory.mktemp("export")
    for name in ("home", "own"):
        (top / name).mkdir()
    furnish(top / "home")
    for name, text in (("pen", LAZY), ("graph", GRAPH), ("branching", BRANCHING)):
        (top / "own" / f"{name}.py").write_text(text)
    workspace = Workspace(top / "home", {"SUITE_EXPERIMENTS": str(top / "own")})
    for words in (("pen", "--seeds", "3"), ("graph", "branching", "--seeds", "1")):
        assert workspace.suite("run", *words, "--no-report").code == 0
    return workspace


@pytest.fixture
def images():
    return data.test_images("digits", data.ensure("digits"))


def stored(kept, name="pen-s0"):
    """The stored predictions of a run."""
    experiment, _, seed = name.partition("-")
    [path] = kept.home.glob(f"mlruns/runs/{experiment}/*-{seed}/predictions.safetensors")
    return load_file(path)


def test_weights_with_the_networks_text_are_loaded_without_the_suite(kept, in_process, tmp_path):
    to = tmp_path / "new" / "pen"

    answer = kept.suite("export", "pen-s0", "--to", str(to), "--json")
    again = in_process("export", "pen-s0", "--to", str(to), within=kept)

    assert answer.code == 0, answer
    assert answer.json["checked"]["images"] == 297
    assert answer.json["checked"]["flipped"] == 0
    assert answer.json["checked"]["largest"] < 1e-5
    assert {*answer.json["files"]} == {path.name for path in to.iterdir()} == {
        "README.md", "config.json", "load.py", "model.safetensors", "network.py",
    }  # fmt: skip
    assert [line for line in again.out.splitlines() if "has this export already; nothing was written." in line]
    assert "compared on all 297 test images: largest difference" in again.out
    result = json.loads(next(kept.home.glob("mlruns/runs/pen/*-s0/result.json")).read_text())
    facts = json.loads((to / "config.json").read_text())
    assert (facts["weights_sha256"], facts["normalize"]) == (result["weights_sha256"], [0.13, 0.31])
    assert facts["id2label"]["3"] == "3"
    text = (to / "README.md").read_text()
    front, body = yaml.safe_load(text.split("---\n")[1]), text.split("---\n", 2)[2]
    [this, all_seeds] = front["model-index"][0]["results"][0]["metrics"]
    assert this["value"] == result["metrics"]["test/accuracy"]
    assert re.search(r"mean test accuracy 0\.\d{4} of 3 seeds, 95 % interval", all_seeds["name"])
    assert (front["license"], front["datasets"]) == ("unknown", ["digits"])
    assert "CC BY 4.0" in body
    assert_refused(in_process("export", "pen-s1", "--to", str(to), within=kept), 2, f"--to: {to} has another export.")


@pytest.mark.promise
@pytest.mark.full
def test_a_text_that_does_not_stand_alone_is_replaced_by_a_graph_here_from_python(
    kept, images, tmp_path, monkeypatch, capfd
):
    for name, value in kept.environment.items():
        monkeypatch.setenv(name, value)
    session = suite.Session.open(experiments=[kept.home.parent / "own"])

    found = suite.export("graph-s0", tmp_path / "out", session=session)

    assert (found.run, found.format, found.folder) == ("graph-s0", "safetensors", tmp_path / "out")
    assert (found.checked.images, found.checked.flipped) == (297, 0)
    assert "network.pt2" in found.files
    assert capfd.readouterr() == ("", "")
    np.save(tmp_path / "images.npy", images[:20])
    words = [sys.executable, "-I", str(tmp_path / "out" / "load.py"), "images.npy", "scores.npy"]
    subprocess.run(words, cwd=tmp_path, check=True)
    assert (np.load(tmp_path / "scores.npy").argmax(1) == stored(kept, "graph-s0")["predicted"][:20]).all()
    with pytest.raises(suite.SuiteError, match="--format: 'h5' is not one of safetensors, pt2, onnx"):
        suite.export("graph-s0", tmp_path / "other", "h5", session=session)


def test_a_network_without_a_graph_is_refused_and_nothing_is_left(kept, tmp_path):
    answer = kept.suite("export", "branching-s0", "--to", str(tmp_path / "out"), "--format", "pt2")

    assert_refused(answer, 2, "branching.py: network: torch.export cannot trace it: ", "--format safetensors")
    assert not (tmp_path / "out").exists()


def test_a_network_without_a_graph_is_not_published(kept):
    answer = kept.suite("publish", "branching-s0")

    assert_refused(answer, 2, "branching.py: network: torch.export cannot trace it: ")


def test_ctrl_c_leaves_nothing_half(kept, tmp_path):
    process = kept.start("export", "pen-s1", "--to", str(tmp_path / "out"))
    checking = tmp_path / "out" / ".export.tmp" / "made" / "config.json"
    while process.poll() is None and not checking.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert (process.returncode, len(err.splitlines())) == (130, 1), err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("export", "pen-s7", "--to", "out"), 2, "there is no finished run 'pen-s7'; did you mean pen-s"),
        (("export", "pen-s0"), 2, "the following arguments are required: --to"),
        (("export", "pen-s0", "--to", "out", "--format", "h5"), 2, "--format: invalid choice: 'h5'"),
        (("export", "pen-s0", "--to", "."), 2, "--to: . is not empty, and has no whole export. Name a new folder."),
        (("export", "pen-s0", "--to", "notes"), 2, "--to: notes is a file."),
        (("publish", "pen-s7"), 2, "there is no finished run 'pen-s7'"),
        (("publish", "pen-s0", "--name", "a/b"), 2, "--name: 'a/b' is no name of a model."),
        (("publish", "pen-s0", "--name", "it's"), 2, "is no name of a model."),
        (("publish", "pen-s0", "--alias", "latest"), 2, "--alias: 'latest' is no alias."),
        (("publish", "pen-s0", "--alias", "V12"), 2, "--alias: 'V12' is no alias."),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(kept, in_process, words, code, line):
    (kept.home / "notes").write_text("")

    assert_refused(in_process(*words, within=kept), code, line)


def test_onnx_that_is_not_installed_is_named_with_the_command_that_installs_it(kept, in_process, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "onnxscript" else name)

    answer = in_process("export", "pen-s0", "--to", "out", "--format", "onnx", within=kept)

    assert_refused(answer, 3, "--format onnx: onnxscript is not installed.", "pip install 'suite[onnx]'")


def test_without_mlflow_nothing_is_published_and_the_server_is_named(kept, in_process):
    away = Workspace(kept.home, {**kept.extra, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})

    assert_refused(in_process("publish", "pen-s0", within=away), 3, "MLflow at http://127.0.0.1:9 did not answer")


@contextmanager
def served(workspace, model, folder):
    """The address at which plain `mlflow` serves a model: without the suite, and without unpickling."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in workspace.environment.items() if name != "PYTHONPATH"}
    environment |= {
        "MLFLOW_TRACKING_URI": f"sqlite:///{workspace.home}/mlruns/mlflow.db",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
    }
    words = [*("-m", model, "--env-manager", "local"), *("--port", str(port), "--workers", "1")]
    with open(folder / "serve.log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "models", "serve", *words],
            cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        ask = build_opener(ProxyHandler({})).open
        while True:
            assert server.poll() is None, (folder / "serve.log").read_text()
            with suppress(URLError, OSError):
                ask(f"http://127.0.0.1:{port}/ping", timeout=5).close()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


@pytest.mark.mlflow
def test_a_published_model_is_served_by_plain_mlflow_and_a_run_has_one_version(kept, in_process, images, tmp_path):
    first = kept.suite("publish", "pen-s0", "--json")
    again = in_process("publish", "pen-s0", "--alias", "champion", within=kept)

    assert first.code == 0, first
    facts = first.json
    assert (facts["model"], facts["version"], facts["uri"]) == ("pen", 1, "models:/pen@candidate")
    assert (facts["checked"]["images"], facts["checked"]["flipped"]) == (297, 0)
    assert "pen-s0 was published before: pen, version 1, alias champion." in again.out
    assert f"MLFLOW_TRACKING_URI=sqlite:///{kept.home}" in again.out
    shutil.copytree(kept.home, tmp_path / "moved")
    client = open_store(Home(tmp_path / "moved")).client
    [version] = client.search_model_versions()
    assert {*client.get_registered_model("pen").aliases} == {"candidate", "champion"}
    assert version.tags["suite.weights_sha256"] == client.get_run(version.run_id).data.tags["suite.weights_sha256"]
    assert float(version.tags["suite.test_accuracy"]) == client.get_run(version.run_id).data.metrics["test/accuracy"]
    moved = Workspace(tmp_path / "moved")
    shutil.move(kept.home / "mlruns" / "artifacts" / "models", tmp_path / "aside")
    try:
        with served(moved, "models:/pen@champion", tmp_path) as address:
            body = json.dumps({"inputs": images[:30].tolist()}).encode()
            request = Request(address, body, {"Content-Type": "application/json"})
            with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
                scores = np.array(json.load(answer)["predictions"])
    finally:
        shutil.move(tmp_path / "aside", kept.home / "mlruns" / "artifacts" / "models")

    found = stored(kept)
    assert scores.shape == (30, 10)
    assert (scores.argmax(1) == found["predicted"][:30]).all()
    likely = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert np.allclose(likely.max(1), found["confidence"][:30], atol=1e-5)


@pytest.mark.promise
@pytest.mark.full
def test_a_model_is_published_on_a_server_and_loaded_from_there_without_the_suite(kept, images, tmp_path):
    program = (
        "import sys; sys.modules.update(suite=None)\n"
        "import mlflow, numpy as np\n"
        "np.save('scores.npy', mlflow.pyfunc.load_model('models:/pen@candidate').predict(np.load('images.npy')))\n"
    )
    np.save(tmp_path / "images.npy", images[:])
    (tmp_path / "server").mkdir()
    with server(tmp_path / "server") as tracker:
        shared = Workspace(kept.home, {**kept.extra, "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{tracker.port}"})
        first = shared.suite("publish", "pen-s0", "--json")
        again = shared.suite("publish", "pen-s0", "--json")
        environment = {**shared.environment, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)

    assert (first.code, again.code) == (0, 0), (first, again)
    assert [(one.json["version"], one.json["already"]) for one in (first, again)] == [(1, False), (1, True)]
    assert (np.load(tmp_path / "scores.npy").argmax(1) == stored(kept)["predicted"]).all()


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("kind", ["safetensors", "pt2", "onnx"])
def test_every_network_of_ours_computes_the_same_without_the_suite(kind, all_trained, tmp_path, figure):
    largest = 0.0
    for name in sorted(path.name for path in all_trained.home.glob("mlruns/runs/*")):
        answer = all_trained.suite("export", f"{name}-s0", "--to", str(tmp_path / name), "--format", kind, "--json")
        assert answer.code == 0, answer
        assert answer.json["checked"]["flipped"] == 0, answer
        largest = max(largest, answer.json["checked"]["largest"])

    assert largest > 0
    figure(f"{kind}: largest difference of a confidence on the digits, over all experiments: {largest:.1e}")
    assert largest < 1e-4


@pytest.fixture(scope="module")
def all_trained(tmp_path_factory):
    """A home with a run of every experiment of ours on the digits."""
    workspace = Workspace(tmp_path_factory.mktemp("all"), {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    answer = workspace.suite("run", "all", "--data", "digits", "--epochs", "1", "--seeds", "1", "--no-report")
    assert answer.code == 0, answer
    return workspace
