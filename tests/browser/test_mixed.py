"""The seed shop of examples/mixed in a browser: Flask's pages whose scripts call typed routes.

Two people look at it, each with a browser of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from examples.test_mixed import serving

from browser.chromium import HOST, Page, browser, command

pytestmark = pytest.mark.skipif(
    command() is None and not os.environ.get("CARBOY_BROWSER"),
    reason="no Chromium here; `make browser` insists on one",
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path) as port:
        yield f"http://{HOST}:{port}"


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[tuple[Page, Page]]:
    with ExitStack() as stack:
        ada, keeper = (stack.enter_context(browser(tmp_path / name)) for name in ("ada", "keeper"))
        yield ada, keeper


def reads(page: Page, text: str) -> None:
    """Wait until the page says `text`, and its scripts listen."""
    page.wait(f"document.readyState == 'complete' && document.body.innerText.includes({text!r})")


def log_in(page: Page, name: str, password: str) -> None:
    """Fill in Flask's form, whichever page leads to it."""
    page.type("input[name=name]", name)
    page.type("input[name=password]", password)
    page.click("form.fields button")
    reads(page, f"Log out {name}")


def test_a_customer_buys_and_the_keeper_packs(shop: str, pages: tuple[Page, Page]) -> None:
    ada, keeper = pages
    ada.open(f"{shop}/?q=basil")
    ada.click(".seeds a")
    reads(ada, "Sow in April")
    ada.click("input[name=count]")
    ada.evaluate("document.querySelector('input[name=count]').value = 2")
    ada.click("form[data-put] button:enabled")  # the typed API, by fetch
    reads(ada, "2 in your basket.")
    assert ada.evaluate("document.querySelector('#size').innerText") == "2"
    assert ada.asked[-1] == f"{shop}/api/basket/1"
    ada.click("nav a[href='/basket']")  # the same basket, by a Flask view and its template
    reads(ada, "5.80 €")
    ada.click(
        "form[data-post] button:enabled"
    )  # 401 from the typed route: off to Flask-Login's page
    reads(ada, "Password")
    log_in(ada, "ada", "long enough")
    reads(ada, "5.80 €")
    ada.click("form[data-post] button:enabled")
    reads(ada, "Number 1")
    status = "document.querySelector('.status').innerText"
    ada.wait(f"{status} == 'received'")

    keeper.open(f"{shop}/packing")
    log_in(keeper, "keeper", "green thumb")
    for step, seen in (("packed", "Order 1 is packed."), ("sent", "Everything is sent.")):
        reads(keeper, "Order 1 for ada")
        keeper.click("section button")
        reads(keeper, seen)
        ada.wait(f"{status} == '{step}'")  # told by the stream; nobody loaded the page again
    for page in pages:
        assert {urlsplit(url).hostname for url in page.asked if "http" in url} == {HOST}
    assert keeper.errors == []
    assert [error for error in ada.errors if "401" not in error] == []


def test_one_documentation_shows_both_kinds(shop: str, pages: tuple[Page, Page]) -> None:
    page = pages[0]
    page.open(shop)
    page.click("footer a[href='/docs']")
    reads(page, "Check Out")
    page.click("#operations-api-api_check_out_api_orders_post .opblock-summary-control")
    reads(page, "Turn the basket into an order")
    # A Flask view, with what its source asks for.
    reads(page, "Every seed, or those whose name has the text that was searched for.")
    page.click("#operations-pages-pages_index .opblock-summary-control")
    page.wait("!!document.querySelector('#operations-pages-pages_index [data-param-name=q]')")
    assert page.errors == []
