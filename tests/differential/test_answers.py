"""What endpoints return, under every way to declare it: both packages have to write it alike."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastapi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette import responses

import carboy.fastapi

from .applications import Cat, Colour, Dog, Inner, Item, Pet, Point, Rank
from .asking import Ask, ask

COUNT = int(os.environ.get("CARBOY_FUZZ", "0"))


class Secret(Inner):
    password: str = "hidden"


@dataclass
class Data:
    number: int
    when: date | None = None


@dataclass
class SecretData(Data):
    password: str = "hidden"


MODELS: dict[str, Any] = {
    "inner": Inner,
    "item": Item,
    "inner|None": Inner | None,
    "list[inner]": list[Inner],
    "tuple[inner, ...]": tuple[Inner, ...],
    "dict[str, inner]": dict[str, Inner],
    "inner|cat": Inner | Cat,
    "pet": Pet,
    "point": Point,
    "data": Data,
    "list[data]": list[Data],
    "int": int,
    "str": str,
    "float": float,
    "list[int]": list[int],
    "dict[str, float]": dict[str, float],
    "datetime": datetime,
    "colour": Colour,
    "any": Any,
    "dict": dict,
    "none": None,
}
VALUES: list[Any] = [
    Inner(number=1),
    Inner(number=1, when=date(2020, 1, 31)),
    Secret(number=2),
    Item(name="lamp", cost=2.5, inner=Secret(number=3), tags=["a"]),
    Item.model_construct(name="x", price=1.0),
    {"number": 1},
    {"number": "1", "when": "2020-01-31", "more": 1},
    {"name": "lamp", "cost": 3, "inner": {"number": 1, "password": "x"}},
    [Inner(number=1), {"number": 2}, Secret(number=3)],
    (Inner(number=1),),
    {"a": Inner(number=1), "b": {"number": 2}},
    Cat(kind="cat"),
    Dog(kind="dog", good=True),
    {"x": 1, "y": 2},
    Data(1),
    SecretData(2, date(2020, 1, 31)),
    [Data(1), SecretData(2)],
    1,
    "text",
    "ä\u2028\x00\ud800".encode("utf-8", "replace").decode(),
    1.5,
    1e16,
    float("nan"),
    float("inf"),
    True,
    None,
    [1, 2],
    {"a": 1.0, "b": 1e-7},
    {2: "two", None: "none", True: "yes"},
    datetime(2020, 1, 1, tzinfo=UTC),
    {"at": datetime(2020, 1, 1), "for": timedelta(minutes=5), "id": UUID(int=1)},
    {"price": Decimal("1.10"), "whole": Decimal("2"), "colour": Colour.RED, "rank": Rank.HIGH},
    {1, 2},
    b"bytes",
    b"\xff",
    object(),
    Colour.RED,
    responses.PlainTextResponse("plain", 203),
    responses.JSONResponse({"a": 1}, headers={"x-own": "1"}),
]
RESPONSE_CLASSES = [None, "PlainTextResponse", "HTMLResponse", "Response", "RedirectResponse"]


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """Options of the operation, most of the time few."""
    chosen: dict[str, Any] = {}
    for name, values in {
        "response_model_exclude_unset": [True],
        "response_model_exclude_defaults": [True],
        "response_model_exclude_none": [True],
        "response_model_by_alias": [False],
        "response_model_include": [{"number"}, {"name", "inner"}, ["number"]],
        "response_model_exclude": [{"when"}, {"inner": {"number"}}, ["tags"]],
        "status_code": [201, 204, 304],
    }.items():
        if draw(st.integers(0, 4)) == 0:
            chosen[name] = draw(st.sampled_from(values))
    return chosen


@settings(
    max_examples=COUNT or 300,
    deadline=None,
    derandomize=not COUNT,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.sampled_from(sorted(MODELS)),
    st.sampled_from(["annotation", "response_model", "neither", "response_model=None"]),
    st.sampled_from(VALUES),
    options(),
    st.sampled_from([None] * 6 + RESPONSE_CLASSES),
    st.booleans(),
)
def test_results_are_written_alike(
    model: str, way: str, value: Any, options: dict[str, Any], cls: str | None, is_async: bool
) -> None:
    found = []
    for package in (fastapi, carboy.fastapi):

        def endpoint() -> Any:
            return value

        async def endpoint_async() -> Any:
            return value

        chosen: Any = endpoint_async if is_async else endpoint
        chosen.__annotations__ = {"return": MODELS[model]} if way == "annotation" else {}
        given = dict(options)
        if way == "response_model":
            given["response_model"] = MODELS[model]
        elif way == "response_model=None":
            given["response_model"] = None
        if cls is not None:
            given["response_class"] = getattr(responses, cls)
        app = package.FastAPI()
        try:
            app.get("/")(chosen)
            found.append((json.dumps(app.openapi()), ask(app, Ask("GET", "/", b"/"))))
        except Exception as error:
            found.append((type(error).__name__, ""))
    theirs, ours = found
    assert ours == theirs
