"""A mirror on this machine, which serves what a test gives it, and tools of a test's own."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Mirror(BaseHTTPRequestHandler):
    """Gives what its server has by path: bytes, or a function that answers by itself."""

    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.server.bodies.get(self.path)
        if callable(body):
            body(self)
        elif body is None:
            self.send_error(404)
        else:
            begin(self, len(body))
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def begin(request, length):
    request.send_response(200)
    request.send_header("Content-Length", str(length))
    request.end_headers()


@pytest.fixture
def serve():
    """Starts a mirror on this machine that gives `bodies`; its address is `url`, its requests are `asked`."""
    servers = []

    def start(bodies):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
        server.handle_error = lambda *_: None  # that a client hung up is what some tests are about
        server.bodies, server.asked = bodies, []
        server.url = f"http://127.0.0.1:{server.server_port}/set/"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Puts a tool of our own before the system's: a name and the shell commands it runs."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def make(name, commands):
        (folder / name).write_text(f"#!/bin/sh\n{commands}\n")
        (folder / name).chmod(0o755)

    return make
