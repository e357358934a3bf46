"""JSON bytes equal to the standard library's after FastAPI's jsonable_encoder."""

from __future__ import annotations

import datetime
import json
from collections import OrderedDict, UserString, deque, namedtuple
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from carboy.core.encode import encoder
from carboy.fastapi.encoders import jsonable_encoder

encode = encoder(jsonable_encoder)


def upstream(value: Any) -> bytes:
    """What FastAPI sends."""
    plain = jsonable_encoder(value)
    text = json.dumps(
        plain, ensure_ascii=False, allow_nan=False, indent=None, separators=(",", ":")
    )
    return text.encode("utf-8")


TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["_sa", "_sax", '"_sa'])
KEYS = TEXT | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS | st.none(), inner)
    ),
    max_leaves=20,
)
ODD = st.recursive(
    PLAIN
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.frozensets(st.integers(), max_size=1),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner) | st.lists(inner).map(deque),
    max_leaves=10,
)


@given(PLAIN)
def test_plain_values(value: Any) -> None:
    assert encode(value) == upstream(value)


@given(ODD)
def test_values_that_need_the_fallback(value: Any) -> None:
    assert encode(value) == upstream(value)


class Colour(str, Enum):  # noqa: UP042 - the older kind is the odder one
    """Text that is an enum."""

    RED = "red"


class Number(IntEnum):
    """A number that is an enum."""

    ONE = 1


class Item(BaseModel):
    """A model, with what only a fallback knows."""

    name: str
    at: datetime.date


Point = namedtuple("Point", "x y")


class Loud(str):
    """Text with a voice of its own, which JSON does not hear."""

    def __str__(self) -> str:
        return "LOUD"

    __repr__ = __str__


@pytest.mark.parametrize(
    "value",
    [
        Colour.RED,
        {Colour.RED: Number.ONE},
        {"n": Number.ONE},
        {Number.ONE: 1},
        Point(1, "y"),
        OrderedDict(b=1, a=2),
        Loud("quiet"),
        {"a": Loud("quiet")},
        Item(name="é", at=datetime.date(2024, 1, 2)),
        [Item(name="_sa", at=datetime.date(2024, 1, 2))],
        b"bytes",
        Decimal("1.10"),
        -0.0,
        1e16,
        1e-7,
        10**25,
        '\u2028\x7f\x00\\"/',
        "😀",
        {"_sa_instance_state": object(), "a": 1},
        {"a": {"_sab": 1}, "_s": "_sa"},
        [{"_sa": 1}],
        {},
        [],
        (),
    ],
    ids=repr,
)
def test_chosen_values(value: Any) -> None:
    assert encode(value) == upstream(value)


def test_keys_of_sqlalchemy_are_left_out() -> None:
    assert encode({"_sa_instance_state": 1, "a": "_sa"}) == b'{"a":"_sa"}'


def test_a_generator_is_read_once() -> None:
    made = encode({"n": (n for n in range(3)), "text": "_sa"})
    assert json.loads(made) == {"n": [0, 1, 2], "text": "_sa"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": v}])
def test_what_is_no_number_in_json_is_an_error(value: float, wrap: Any) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        encode(wrap(value))
    with pytest.raises(ValueError, match="Out of range float"):
        encode([wrap(value), datetime.date(2024, 1, 2)])


def test_a_lone_surrogate_is_an_error_as_upstream() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode("\ud800")
    with pytest.raises(UnicodeEncodeError):
        upstream("\ud800")


def test_a_value_that_holds_itself_is_an_error() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RecursionError):
        encode(value)


def test_what_nobody_can_encode_is_the_fallbacks_error() -> None:
    with pytest.raises(ValueError):
        encode(UserString)


def test_where_there_is_no_c_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    slow = encoder(jsonable_encoder)
    for value in ({"a": [1, None, "é"]}, {"_sa": 1}, [datetime.date(2024, 1, 2)]):
        assert slow(value) == upstream(value)
