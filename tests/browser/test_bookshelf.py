"""The bookshelf's page: found by typing, told of news, covers shown; without an outside address."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from browser.chromium import HOST, Page, browser, command

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "bookshelf"
pytestmark = pytest.mark.skipif(
    command() is None and not os.environ.get("CARBOY_BROWSER"),
    reason="no Chromium here; `make browser` insists on one",
)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The example with a database of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    words = [sys.executable, "-m", "carboy", "run", "bookshelf:app", "--port", str(port)]
    environment = {**os.environ, "BOOKSHELF_DB": str(tmp_path / "books.db")}
    server = subprocess.Popen(words, cwd=EXAMPLE, env=environment, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < end
                time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser(tmp_path / "profile") as page:
        yield page


def add(port: int, title: str) -> None:
    """Add a book as another client."""
    book = {"title": title, "author": "Michael Ende", "year": 1973, "language": "German"}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/books",
        json.dumps(book).encode(),
        {"content-type": "application/json"},
    )
    urllib.request.urlopen(request).read()


def test_the_page_is_alive(port: int, page: Page) -> None:
    page.open(f"http://{HOST}:{port}/shelf")
    page.wait("document.querySelectorAll('.books li').length === 24")
    page.wait("news.readyState === EventSource.OPEN")
    page.type(".search input", "hobbit")
    page.wait("document.querySelector('#count').innerText === '1 found'")
    assert page.evaluate("document.querySelector('.books b').innerText") == "The Hobbit"
    add(port, "Momo <b>& the</b> Thieves")
    page.wait("document.querySelector('#said').innerText.includes('Momo <b>& the</b> Thieves')")
    page.click("#said button")
    page.wait("document.querySelector('.books b')?.innerText === 'Momo <b>& the</b> Thieves'")
    outside = [
        url for url in page.asked
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname != HOST
    ]  # fmt: skip
    assert (outside, page.errors) == ([], [])
