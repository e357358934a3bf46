"""Time stands still: cookies, sessions, files say when they expire, and both are asked in turn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import flask.sessions
import itsdangerous
import pytest
import werkzeug.http
import werkzeug.sansio.response
import werkzeug.utils

import carboy.flask.sessions

NOW = 1_700_000_000


class _Kind(type):
    def __instancecheck__(cls, one: Any) -> bool:
        return isinstance(one, datetime)


class Still(datetime, metaclass=_Kind):
    """A clock that has stopped; every datetime is one of its kind."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.fromtimestamp(NOW, tz)


@pytest.fixture(autouse=True, scope="package")
def no_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self: NOW)
        patch.setattr(werkzeug.utils, "time", lambda: NOW)
        for module in (
            flask.sessions,
            carboy.flask.sessions,
            werkzeug.http,
            werkzeug.sansio.response,
        ):
            patch.setattr(module, "datetime", Still)
        yield
