"""One event loop a test: asynchronous dependencies live from one step of it to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from . import doubles


@pytest.fixture(autouse=True)
def _loop() -> Iterator[None]:
    with asyncio.Runner() as runner:
        doubles.RUNNERS.append(runner)
        yield
        doubles.RUNNERS.pop()
