"""Whether a server answers, with any status, and how soon it is known that no server answers."""

import socket
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from suite.tracking import server
from suite.tracking.server import Silent, reason, require_answer


@pytest.fixture
def answering():
    """The address of a server, the paths that were requested, and the status that it always answers."""
    paths, status = [], [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))  # seconds between checks for its end
        thread.start()
        yield f"127.0.0.1:{httpd.server_port}", paths, status
        httpd.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 401, 404, 500, 503])
def test_whoever_answers_is_there(answering, status):
    address, paths, statuses = answering
    statuses[0] = status

    require_answer(f"http://{address}")

    assert paths == ["/health"]


@pytest.mark.parametrize(("before", "after"), [("", "/"), ("user:word@", "/mlflow"), ("user:w@rd@", "/mlflow/")])
def test_a_password_is_left_out_and_a_path_is_kept(answering, before, after):
    address, paths, _ = answering

    require_answer(f"http://{before}{address}{after}")

    assert paths == [f"{after.rstrip('/')}/health"]


@pytest.mark.parametrize("uri", ["sqlite:////nowhere/mlflow.db", "databricks", "databricks://profile", "file:///x", ""])
def test_what_is_no_server_is_not_asked(uri):
    require_answer(uri)


def test_nobody_at_the_port():
    with closing(socket.socket()) as taken:  # the port is bound, but nothing listens
        taken.bind(("127.0.0.1", 0))

        with pytest.raises(Silent, match="refused"):
            require_answer(f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_whoever_accepts_and_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(server, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(Silent, match="no answer within"):
        require_answer(f"http://127.0.0.1:{listener.getsockname()[1]}")


@pytest.mark.parametrize("bytes_", [b"", b"hello\r\n\r\n"])
def test_whoever_speaks_another_language_is_no_server(bytes_):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak():
            inside, _ = listener.accept()
            with inside:
                inside.recv(1_000)
                inside.sendall(bytes_)

        thread = threading.Thread(target=speak)
        thread.start()

        with pytest.raises(Silent):
            require_answer(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()


def test_a_name_that_nobody_has():
    with pytest.raises(Silent):
        require_answer("http://nobody.invalid:5000")


@pytest.mark.parametrize(("told", "words"), [
    ("API request to /x failed with error code 401 != 200. Response body: '<html>", "MLFLOW_TRACKING_PASSWORD"),
    ("API request failed with error code 403 != 200. Response body: 'Invalid Host header - …'", "--allowed-hosts NAME"),
    ("API request failed with error code 403 != 200. Response body: 'Permission denied'", "the permission EDIT"),
    ("the table\nis locked", "the table is locked"),
    ("", "ValueError"),
])  # fmt: skip
def test_a_server_that_refuses_is_one_line_that_says_what_to_do(told, words):
    said = reason(ValueError(told))

    assert words in said
    assert "\n" not in said
