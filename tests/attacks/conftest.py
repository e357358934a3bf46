"""One server for all attacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .attacking import Attacked, attacked


@pytest.fixture(scope="session")
def server() -> Iterator[Attacked]:
    with attacked() as one:
        yield one


@pytest.fixture(scope="session")
def logging_server() -> Iterator[Attacked]:
    """One that keeps an access log."""
    with attacked(log=True) as one:
        yield one
