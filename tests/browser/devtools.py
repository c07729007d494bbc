"""A page in headless Chromium, controlled over DevTools: its width, mouse, keys, and the requests that it makes.

Chromium reads commands on file descriptor 3 and answers on 4 (`--remote-debugging-pipe`). Each is JSON and a NUL.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--v=0"),
)
KEYS = {"Tab": 9, "Enter": 13, " ": 32, "Escape": 27, "ArrowRight": 39}
HAND_OVER = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(word), fcntl.F_DUPFD, 10) for word in sys.argv[1:3])  # either may be 3 or 4 itself
os.dup2(read, 3)
os.dup2(write, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
Event = dict[str, Any]


class Tab:
    """One page, with all that it wrote to the console or requested from the network."""

    def __init__(self, command: str, profile: Path) -> None:
        (there, self._out), (self._in, back) = os.pipe(), os.pipe()
        words = [command, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, str(there), str(back), *words],
            stdin=quiet, stdout=quiet, stderr=quiet, pass_fds=(there, back),
        )  # fmt: skip
        os.close(there)
        os.close(back)
        self._numbers, self._rest, self._session = itertools.count(1), b"", ""
        self.events: list[Event] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.call("Browser.close")
        self._process.wait(30)
        os.close(self._out)
        os.close(self._in)

    def call(self, method: str, **params: Any) -> Any:
        """Send a command and wait for its answer. Events that arrive meanwhile are kept in `events`."""
        number = next(self._numbers)
        order = {"id": number, "method": method, "params": params}
        os.write(
            self._out, json.dumps({**order, **({"sessionId": self._session} if self._session else {})}).encode() + b"\0"
        )
        while (message := self._read()).get("id") != number:
            self.events.append(message)
        assert "error" not in message, (method, message)
        return message["result"]

    def open(self, address: str, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Show a page, `width` CSS pixels wide. This can be as narrow as a phone; a window of Chromium cannot."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url="about:blank")
        self.events.clear()
        self.call("Page.navigate", url=address)
        deadline = time.monotonic() + 60
        while self.ask("location.href === 'about:blank' || document.readyState !== 'complete'"):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page. It works even if the page itself may run no scripts."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of an element."""
        middle = "[box.x + box.width / 2, box.y + box.height / 2]"
        seen = f"one.scrollIntoView({{block: 'center'}}); const box = one.getBoundingClientRect(); return {middle};"
        x, y = self.ask(f"(one => {{ {seen} }})(document.querySelector({json.dumps(selector)}))")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def point(self, selector: str) -> None:
        """Move the mouse to the middle of an element."""
        found = "const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
        seen = f"one.scrollIntoView({{block: 'center'}}); {found}"
        x, y = self.ask(f"(one => {{ {seen} }})(document.querySelector({json.dumps(selector)}))")
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def save_into(self, folder: Path) -> None:
        """Let the page's downloads go to a folder."""
        self.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def press(self, key: str) -> None:
        """Press and release a key of `KEYS`."""
        text = {"Enter": "\r", " ": " "}.get(key)
        common = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": KEYS[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    @property
    def complaints(self) -> list[str]:
        """Console messages of the page, its exceptions, and what its security policy refused."""
        said = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in said]

    @property
    def requests(self) -> list[str]:
        """The addresses that the page requested, without embedded data and without requests that its policy stopped."""
        sent = [event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        lost = [event["params"] for event in self.events if event.get("method") == "Network.loadingFailed"]
        stopped = {one["requestId"] for one in lost if one.get("blockedReason") == "csp"}
        asked = [one["request"]["url"] for one in sent if one["requestId"] not in stopped]
        return [address for address in asked if not address.startswith("data:")]

    def _read(self) -> Event:
        while b"\0" not in self._rest:
            found = os.read(self._in, 1 << 16)
            assert found, "the browser has ended"
            self._rest += found
        message, _, self._rest = self._rest.partition(b"\0")
        event: Event = json.loads(message)
        return event
