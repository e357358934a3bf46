"""What single values are written as, and what is passed on to the values in a value."""

from __future__ import annotations

import datetime
import ipaddress
import re
import sys
import uuid
import warnings
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

import pytest
from pydantic import AnyUrl, BaseModel, Field, NameEmail, SecretBytes, SecretStr
from pydantic_core import PydanticUndefined, Url

from carboy.fastapi.encoders import ENCODERS_BY_TYPE, jsonable_encoder
from carboy.fastapi.exceptions import PydanticV1NotSupportedError


class Colour(Enum):
    RED = "red"


class Moment(datetime.datetime):
    pass


class Item(BaseModel):
    id: int = Field(1, alias="ID")
    note: str | None = None


@dataclass
class Box:
    item: Any


class Plain:
    def __init__(self) -> None:
        self.a = Item()
        self._sa_instance_state = "SQLAlchemy's"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b"text", "text"),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        (Moment(2024, 2, 29, 1, 2), "2024-02-29T01:02:00"),
        (datetime.time(1, 2), "01:02:00"),
        (datetime.timedelta(days=1, milliseconds=500), 86400.5),
        (Decimal("2"), 2),
        (Decimal("1E+2"), 100),
        (Decimal("2.0"), 2.0),
        (Colour.RED, "red"),
        (deque([1, (2,)]), [1, [2]]),
        (frozenset({1}), [1]),
        ((n for n in (1, 2)), [1, 2]),
        (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8"),
        (PurePosixPath("/a/b"), "/a/b"),
        (re.compile("a+"), "a+"),
        (SecretStr("word"), "**********"),
        (SecretBytes(b"word"), "b'**********'"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Url("http://a.b"), "http://a.b/"),
        (AnyUrl("http://a.b"), "http://a.b/"),
        (NameEmail("N", "n@a.b"), "N <n@a.b>"),
        (PydanticUndefined, None),
        (Box(Colour.RED), {"item": "red"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_table(value: Any, written: Any) -> None:
    encoded = jsonable_encoder(value)
    assert (encoded, type(encoded)) == (written, type(written))


def test_colours_without_importing_them_first() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from pydantic.color import Color

        assert jsonable_encoder([Color("#f00")]) == ["red"]


def test_options_reach_models_in_values() -> None:
    assert jsonable_encoder({"x": [Item()]}) == {"x": [{"ID": 1, "note": None}]}
    assert jsonable_encoder([Item()], by_alias=False, exclude_none=True) == [{"id": 1}]
    assert jsonable_encoder((Item(ID=2),), exclude_unset=True) == [{"ID": 2}]
    assert jsonable_encoder({"x": Item()}, exclude_defaults=True) == {"x": {}}


def test_keys_are_chosen_in_the_outermost_only() -> None:
    nested = {"a": {"a": 1, "b": 2}, "b": 3}
    assert jsonable_encoder(nested, include=["a"]) == {"a": {"a": 1, "b": 2}}  # type: ignore[arg-type]
    assert jsonable_encoder([nested], exclude={"a"}) == [{"b": 3}]
    assert jsonable_encoder(Item(), include={"note"}) == {"note": None}
    assert jsonable_encoder(nested, include=set()) == {}


def test_own_encoders_come_first_and_not_inside_models() -> None:
    own = {datetime.datetime: lambda moment: moment.year, str: str.upper}
    assert jsonable_encoder({"k": Moment(2024, 1, 1)}, custom_encoder=own) == {"K": 2024}
    assert jsonable_encoder(Item(note="n"), custom_encoder=own)["note"] == "n"


def test_sqlalchemys_state_is_left_out() -> None:
    assert jsonable_encoder(Plain()) == {"a": {"ID": 1, "note": None}}
    assert "_sa_instance_state" in jsonable_encoder(Plain(), sqlalchemy_safe=False)


def test_the_table_may_be_added_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODERS_BY_TYPE, complex, str)
    assert jsonable_encoder([1j]) == ["1j"]


def test_what_is_no_data() -> None:
    with pytest.raises(ValueError, match="not iterable"):
        jsonable_encoder({"x": object()})
    with pytest.raises(UnicodeDecodeError):
        jsonable_encoder(b"\xff")


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="pydantic.v1 ends with Python 3.13")
def test_models_of_pydantic_1_are_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pydantic import v1

    class Old(v1.BaseModel):
        pass

    with pytest.raises(PydanticV1NotSupportedError, match="Old"):
        jsonable_encoder([Old()])
