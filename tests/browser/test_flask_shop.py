"""The tea shop of examples/flask_shop under `carboy run --drop-in`, as a customer sees it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from examples.test_flask_shop import filled, serving

from browser.chromium import HOST, Page, browser, command

pytestmark = pytest.mark.skipif(
    command() is None and not os.environ.get("CARBOY_BROWSER"),
    reason="no Chromium here; `make browser` insists on one",
)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser(tmp_path / "profile") as page:
        yield page


def reads(page: Page, text: str) -> None:
    """Wait until the page says `text`."""
    page.wait(f"document.body?.innerText.includes({text!r})")


def test_a_customer_joins_and_buys(page: Page, tmp_path: Path) -> None:
    with serving("carboy", filled("carboy", tmp_path)) as port:
        shop = f"http://{HOST}:{port}"
        page.open(f"{shop}/?q=india")
        page.wait("document.querySelectorAll('.teas li').length == 2")
        page.click(".teas a")
        page.click("main input[name=count]")
        page.evaluate("document.querySelector('input[name=count]').value = 2")
        page.click("main button")
        reads(page, "2 × Assam in your basket.")
        page.click("main button")  # to buy, without having logged in
        reads(page, "Please log in first.")
        page.open(f"{shop}/account/join")
        for field, text in (("name", "Ada"), ("password", "long enough"), ("again", "long enough")):
            page.type(f"input[name={field}]", text)
        page.click("main button")
        reads(page, "Welcome, Ada!")
        page.open(f"{shop}/basket")
        reads(page, "11.80 €")
        page.click("main button")
        reads(page, "Your order has the number 1.")
        colour = page.evaluate("getComputedStyle(document.querySelector('header')).backgroundColor")
        assert colour == "rgb(47, 93, 67)"  # the style sheet has come
        page.open(f"{shop}/nowhere")
        page.wait("document.querySelector('h1')?.innerText == 'Not Found'")
    assert {urlsplit(url).hostname for url in page.asked if url.startswith("http")} == {HOST}
    # The icon that browsers ask for, and the page that there is not.
    assert all("404" in error for error in page.errors), page.errors
