"""A headless Chromium, driven over its DevTools protocol.

Source of the messages: the Chrome DevTools Protocol's domains Page, Network, Runtime and Log.
The browser finds nothing but this machine, under the name `HOST`; `Page` keeps every URL that it
asked for.
"""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0
#: The only name that the browser knows: pages behave otherwise where they are called localhost.
HOST = "lamps.example"
#: The error of a command that comes while the page is being left; the next page has no answer yet.
LEAVING = -32000
COMMANDS = ("chromium", "chromium-browser", "google-chrome")


def command() -> str | None:
    """The browser on this machine, if there is one."""
    return next((found for name in COMMANDS if (found := shutil.which(name))), None)


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0
        #: Every URL the tab asked for, and what went wrong in it.
        self.asked: list[str] = []
        self.errors: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command; events that come before its answer are noted."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE))
            if message.get("id") == self._last:
                if "error" in message and message["error"]["code"] == LEAVING:
                    return {"result": {}}
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(params["exceptionDetails"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.errors.append(f"{params['entry']['text']} {params['entry'].get('url')}")

    def open(self, url: str) -> None:
        """Go to `url`."""
        self.send("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON."""
        found = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, expression: str) -> Any:
        """The first true value of `expression`."""
        end = time.monotonic() + PATIENCE
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, f"never true: {expression}\n{self.text()}\n{self.errors}"
            time.sleep(0.05)
        return value

    def click(self, selector: str) -> None:
        """Click on the first element for a CSS selector, once it is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"!!{found}")
        self.evaluate(f"{found}.click()")

    def type(self, selector: str, text: str) -> None:
        """Type into the first element for a CSS selector, and leave it."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"!!{found}")
        self.evaluate(f"{found}.focus()")
        self.send("Input.insertText", text=text)
        self.evaluate("document.activeElement.blur()")

    def text(self) -> str:
        """What can be read on the page."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def screenshot(self, path: Path) -> None:
        """Save what the page looks like as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A browser with one empty tab; `profile` is a new folder."""
    found = command()
    assert found is not None
    process = subprocess.Popen(
        [
            found,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--remote-debugging-port=0",
            "--window-size=1280,1000",
            f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={profile}",
            "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with connect(_tab(_port(process, profile)), max_size=None) as socket:
            yield Page(socket)
    finally:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], profile: Path) -> int:
    told = profile / "DevToolsActivePort"
    end = time.monotonic() + PATIENCE
    while not (told.exists() and told.read_text().count("\n")):
        assert process.poll() is None, f"the browser ended with {process.returncode}"
        assert time.monotonic() < end, "the browser did not start"
        time.sleep(0.05)
    return int(told.read_text().split()[0])


def _tab(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("PUT", "/json/new?about:blank")
    address: str = json.loads(connection.getresponse().read())["webSocketDebuggerUrl"]
    connection.close()
    return address
