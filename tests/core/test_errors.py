"""The table of the inner ring: status first, then type along the MRO."""

from __future__ import annotations

from typing import Any

import pytest

from carboy.core.errors import NO_HANDLERS, BodyTooLarge, Handlers, Handling


class Http(Exception):
    """An error with a status."""

    def __init__(self, status: int) -> None:
        self.status = status


class Narrow(Http):
    """A kind of it."""


def status_of(error: BaseException) -> int | None:
    return getattr(error, "status", None)


def handling(name: str) -> Handling:
    def handle(request: Any, error: BaseException) -> str:
        return name

    return Handling(handle, None)


ONE, TWO, THREE = handling("one"), handling("two"), handling("three")


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (Http(404), TWO),
        (Narrow(404), TWO),
        (Http(400), ONE),
        (Narrow(400), ONE),
        (LookupError(), THREE),
        (KeyError("a"), THREE),
        (ValueError(), None),
        (BaseException(), None),
    ],
)
def test_find(error: BaseException, found: Handling | None) -> None:
    table = Handlers({Http: ONE, LookupError: THREE}, {404: TWO}, status_of)
    assert table.find(error) is found


def test_the_nearest_class_wins() -> None:
    table = Handlers({Http: ONE, Narrow: TWO, Exception: THREE}, {}, status_of)
    assert table.find(Narrow(404)) is TWO
    assert table.find(Http(404)) is ONE
    assert table.find(ValueError()) is THREE


def test_status_is_not_asked_for_where_nobody_cares() -> None:
    def never(error: BaseException) -> int | None:
        raise AssertionError

    assert Handlers({Http: ONE}, {}, never).find(Http(404)) is ONE


def test_tables_are_read_when_an_error_is_raised() -> None:
    by_type: dict[type[BaseException], Handling] = {}
    table = Handlers(by_type, {}, status_of)
    assert table.find(Http(404)) is None
    by_type[Http] = ONE
    assert table.find(Http(404)) is ONE
    assert NO_HANDLERS.find(Http(404)) is None


def test_a_large_body_says_how_large_it_may_be() -> None:
    error = BodyTooLarge(10)
    assert (error.limit, str(error)) == (10, "the request body is larger than 10 bytes")
