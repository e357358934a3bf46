"""The page of `carboy migrate status --html` in a browser: alone, and readable on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.chromium import Page, browser, command
from carboy.migrate.status import gather
from carboy.migrate.status.page import page as write

REQUIRED = bool(os.environ.get("CARBOY_BROWSER"))
LIBRARY = Path(__file__).parents[1] / "migrate" / "samples" / "library"

pytestmark = pytest.mark.skipif(
    command() is None and not REQUIRED, reason="no Chromium here; `make browser` insists on one"
)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser(tmp_path / "profile") as page:
        yield page


def test_the_page_of_a_status(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "status.html"
    file.write_text(write(gather(LIBRARY)), encoding="utf-8")
    page.open(file.as_uri())
    page.wait("document.querySelectorAll('details').length > 3")
    assert "Migration of library" in page.text()
    # Closed modules open; every view of them is there.
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert "catalogue.give_back" in page.text() and "lending/catalogue.py:" in page.text()
    assert page.asked == [file.as_uri()] and page.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone_by_day_and_by_night(
    page: Page, tmp_path: Path, scheme: str
) -> None:
    file = tmp_path / "status.html"
    file.write_text(write(gather(LIBRARY)), encoding="utf-8")
    page.send(
        "Emulation.setDeviceMetricsOverride",
        width=360,
        height=700,
        deviceScaleFactor=1,
        mobile=True,
    )
    page.send(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    page.open(file.as_uri())
    page.wait("document.querySelectorAll('details').length > 3")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    light = "(colour => colour.match(/\\d+/g).slice(0, 3).reduce((sum, one) => sum + +one, 0))"
    ground = page.evaluate(f"{light}(getComputedStyle(document.body).backgroundColor)")
    ink = page.evaluate(f"{light}(getComputedStyle(document.body).color)")
    assert (ground > ink) is (scheme == "light") and abs(ground - ink) > 400
