import errno
import gzip
import io
import socket
import sys
import time
from types import ModuleType, SimpleNamespace

import pytest

from suite.data import ensure
from suite.data.catalog import CATALOG
from suite.data.contents import Unavailable
from suite.data.dataset import FILES
from suite.data.sources import mirrors
from tests.data.damage import IMAGES, tree
from tests.data.sources.conftest import begin
from tests.data.test_contents import bomb


@pytest.fixture
def use(monkeypatch):
    """Makes the given addresses torchvision's list for MNIST, and them alone the sources."""
    monkeypatch.setattr(mirrors, "PATIENCE", 0.4)

    def name(*urls):
        torchvision = ModuleType("torchvision")
        torchvision.datasets = SimpleNamespace(MNIST=SimpleNamespace(mirrors=list(urls)))
        monkeypatch.setitem(sys.modules, "torchvision", torchvision)

    return name


def served(contents):
    return {f"/set/{file}.gz": gzip.compress(body) for file, body in contents.items()}


def fault(into):
    """Why the mirrors failed, in one line."""
    with pytest.raises(Unavailable) as error:
        mirrors.torchvision_mirrors(CATALOG["mnist"], into)
    return str(error.value)


@pytest.mark.parametrize("slash", [True, False])
def test_the_first_mirror_gives_the_four_files(mnist, serve, use, tmp_path, slash):
    first, second = serve(served(mnist)), serve(served(mnist))
    use(first.url if slash else first.url[:-1], second.url)

    mirrors.torchvision_mirrors(CATALOG["mnist"], tmp_path)

    assert tree(tmp_path) == mnist
    assert first.asked == [f"/set/{file}.gz" for file in FILES]
    assert second.asked == []


def test_the_mirrors_are_asked_before_the_package_managers(mnist, serve, use, cache):
    use(serve(served(mnist)).url)
    said = []

    ensure("mnist", say=said.append)

    assert said == [f"MNIST: torchvision's mirrors: checked, now in {cache / 'mnist'}"]
    assert tree(cache / "mnist") == mnist


def test_a_mirror_with_other_contents_is_given_up_for_the_next(mnist, fashion, serve, use, tmp_path):
    wrong, right = serve({**served(mnist), **served({IMAGES: fashion[IMAGES]})}), serve(served(mnist))
    use(wrong.url, right.url)

    mirrors.torchvision_mirrors(CATALOG["mnist"], tmp_path)

    assert tree(tmp_path) == mnist


def test_each_mirror_is_named_with_its_fault_and_asked_once(mnist, serve, use, tmp_path):
    first, second = serve({}), serve({**served(mnist), f"/set/{FILES[3]}.gz": b"not gzip"})
    use(first.url, second.url)

    line = fault(tmp_path)

    assert f"127.0.0.1:{first.server_port}: HTTP Error 404: Not Found; " in line
    assert f"{second.url}{FILES[3]}.gz: expected SHA-256 {CATALOG['mnist'].sha256[FILES[3]]}, found " in line
    assert [len(first.asked), len(second.asked)] == [1, 4]


def stalls(request):
    begin(request, 5000)
    request.wfile.write(b"\x1f\x8b\x08")
    time.sleep(1)


def breaks_off(request):
    begin(request, 5000)
    request.wfile.write(gzip.compress(bytes(100))[:20])


def speaks_another_language(request):
    request.wfile.write(b"\x15\x03\x01\x00\x02\x02" * 50 + b"\r\n")


def sends_a_bomb(request):
    body = bomb(20)
    begin(request, len(body))
    request.wfile.write(body)


def never_ends(request):
    request.send_response(200)
    request.end_headers()
    request.wfile.write(bytes.fromhex("1f8b0808000000000003"))
    for _ in range(1000):
        request.wfile.write(b"a" * (1 << 16))


def goes_round(request):
    request.send_response(302)
    request.send_header("Location", request.path)
    request.end_headers()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (stalls, "timed out"),
        (breaks_off, "expected SHA-256"),
        (speaks_another_language, "BadStatusLine"),
        (sends_a_bomb, "of more than"),
        (never_ends, "expected SHA-256"),
        (goes_round, "infinite loop"),
    ],
)
@pytest.mark.usefixtures("mnist")
def test_a_mirror_that_misbehaves_is_given_up_within_seconds(serve, use, tmp_path, answer, reason):
    use(serve({f"/set/{IMAGES}.gz": answer}).url)
    started = time.monotonic()

    line = fault(tmp_path)

    assert time.monotonic() - started < 2
    assert reason in line


@pytest.mark.usefixtures("mnist")
def test_a_mirror_that_never_answers_is_given_up(use, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        started = time.monotonic()

        line = fault(tmp_path)

    assert time.monotonic() - started < 2
    assert "timed out" in line or "no answer in 0.4 seconds" in line


@pytest.mark.usefixtures("mnist")
def test_a_name_that_is_never_resolved_is_given_up(use, tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: time.sleep(2))
    use("http://mirror.invalid/")
    started = time.monotonic()

    line = fault(tmp_path)

    assert line == "mirror.invalid: no answer in 0.4 seconds"
    assert time.monotonic() - started < 1.5


def test_a_mirror_that_drips_is_given_up(mnist, serve, use, tmp_path, monkeypatch):
    monkeypatch.setattr(mirrors, "LONGEST", 0.3)

    def drips(request):
        begin(request, 5000)
        for byte in gzip.compress(mnist[IMAGES])[:20]:
            request.wfile.write(bytes([byte]))
            time.sleep(0.05)

    use(serve({f"/set/{IMAGES}.gz": drips}).url)

    assert "too slow" in fault(tmp_path)


@pytest.mark.usefixtures("mnist")
def test_a_closed_port_is_a_fault_of_one_line(use, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    use(f"http://127.0.0.1:{port}/")

    assert fault(tmp_path) == f"127.0.0.1:{port}: [Errno {errno.ECONNREFUSED}] Connection refused"


@pytest.mark.usefixtures("mnist")
def test_an_address_that_is_none_is_a_fault_of_one_line(use, tmp_path):
    use("nowhere")

    assert "unknown url type" in fault(tmp_path)


@pytest.mark.usefixtures("mnist")
def test_a_torchvision_that_cannot_be_imported_is_a_fault_of_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torchvision", None)

    assert fault(tmp_path).startswith("torchvision cannot be imported: ")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_torchvision_lists_mirrors_of_the_four_files(name):
    from torchvision import datasets

    data = CATALOG[name]
    listed = getattr(datasets, data.torchvision).resources

    assert [file for file, _ in listed] == [f"{file}.gz" for file in FILES]
    assert all(url.startswith("http") for url in mirrors._mirrors(data))


@pytest.mark.parametrize("terminal", [True, False])
def test_a_progress_bar_is_shown_on_a_terminal_only(mnist, serve, use, tmp_path, monkeypatch, terminal):
    screen = io.StringIO()
    screen.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", screen)
    use(serve(served(mnist)).url)

    mirrors.torchvision_mirrors(CATALOG["mnist"], tmp_path)

    assert (IMAGES in screen.getvalue()) == terminal
