"""/docs and /redoc come out of the package: a browser that reaches nothing else shows them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from browser.chromium import HOST, Page, browser, command

#: Set by `make browser`, where a missing browser is an error.
REQUIRED = bool(os.environ.get("CARBOY_BROWSER"))

pytestmark = pytest.mark.skipif(
    command() is None and not REQUIRED, reason="no Chromium here; `make browser` insists on one"
)

APP = '''
from carboy import App
from pydantic import BaseModel

app = App(title="Lamps", description="Every **lamp** there is.")


class Lamp(BaseModel):
    name: str
    watts: int = 5


@app.get("/lamps/{number}", summary="Look at a lamp")
async def lamp(number: int, room: str = "hall") -> Lamp:
    """Finds one."""
    return Lamp(name=f"lamp {number} in the {room}", watts=7)


@app.post("/lamps", status_code=201)
def add(lamp: Lamp) -> Lamp:
    return lamp
'''


#: A Flask view in an App, which nobody has described.
MIXED = """
from carboy import App
from carboy.flask import request

app = App()


@app.get("/typed")
def typed(): ...


@app.route("/rooms/<int:number>", methods=["GET", "POST"])
def room(number):
    '''Look into a room.'''
    if request.method == "POST":
        return {"colour": request.form["colour"], "number": number}
    return {"floor": request.args.get("floor", 1, type=int), "number": number}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with two operations."""
    with serving(tmp_path_factory.mktemp("lamps"), APP) as address:
        yield address


@contextmanager
def serving(folder: Path, text: str) -> Iterator[str]:
    """The address of a server whose module has this text."""
    (folder / "lamps.py").write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "carboy", "run", "lamps:app", "--port", str(port)]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < end
                time.sleep(0.05)
        yield f"http://{HOST}:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser(tmp_path / "profile") as page:
        yield page


def assert_only_asked(page: Page, address: str) -> None:
    """Nobody but the server was asked for anything, and nothing went wrong."""
    page.evaluate("1")  # takes in what has been told by now
    web = [url for url in page.asked if urlsplit(url).scheme not in ("data", "blob")]
    assert len(web) > 2
    assert [url for url in web if not url.startswith(address)] == []
    assert page.errors == []


def test_swagger_ui_tries_an_operation_out(address: str, page: Page) -> None:
    page.open(f"{address}/docs")
    page.wait("document.querySelectorAll('.opblock').length === 2")
    assert "Every lamp there is." in page.text()
    page.click("#operations-default-lamp_lamps__number__get .opblock-summary-control")
    page.click("#operations-default-lamp_lamps__number__get .try-out__btn")
    page.type(".opblock.is-open input[placeholder=number]:enabled", "42")
    page.click(".opblock.is-open .execute")
    shown = "document.querySelector('.live-responses-table .response .microlight')"
    answer = page.wait(f"{shown} && {shown}.textContent")
    assert "lamp 42 in the hall" in answer
    assert page.evaluate(
        "document.querySelector('.live-responses-table .response .response-col_status').innerText"
    ).startswith("200")
    assert f"{address}/lamps/42?room=hall" in page.asked
    assert_only_asked(page, address)


def test_swagger_ui_tries_a_flask_view_out(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path, MIXED) as address:
        page.open(f"{address}/docs")
        page.wait("document.querySelectorAll('.opblock').length === 3")
        assert "Look into a room." in page.text()
        page.click("#operations-default-room_get .opblock-summary-control")
        page.click("#operations-default-room_get .try-out__btn")
        page.type(".opblock.is-open input[placeholder=number]:enabled", "42")
        page.click(".opblock.is-open .execute")
        shown = "document.querySelector('.live-responses-table .response .microlight')"
        answer = page.wait(f"{shown} && {shown}.textContent")
        assert '"number": 42' in answer and '"floor": 1' in answer
        assert f"{address}/rooms/42?floor=1" in page.asked
        page.click("#operations-default-room_post .opblock-summary-control")
        page.wait("document.body.innerText.includes('colour')")
        assert_only_asked(page, address)


def test_redoc_shows_every_operation(address: str, page: Page) -> None:
    page.open(f"{address}/redoc")
    page.wait("document.body && document.body.innerText.includes('Look at a lamp')")
    for shown in ("Lamps", "/lamps/{number}", "Finds one.", "watts"):
        page.wait(f"document.body.innerText.includes({shown!r})")
    assert_only_asked(page, address)


def test_the_browser_reaches_nothing_else(page: Page) -> None:
    page.open("http://example.com/")
    page.wait("document.body && document.body.innerText.length > 0")
    page.evaluate("1")
    assert page.asked[0].startswith("http://example.com")
    assert "ERR_NAME_NOT_RESOLVED" in page.text()
