"""Applications as data, and what is built of them with either package.

A `Plan` says everything of one operation in plain values; `build` makes an application of it. The
endpoint answers with the type and the repr of everything it was given.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import ModuleType
from typing import Annotated, Any, Literal, Union
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Rank(int, Enum):
    LOW = 1
    HIGH = 2


class Inner(BaseModel):
    number: int
    when: date | None = None


class Item(BaseModel):
    name: str = Field(min_length=1)
    price: float = Field(gt=0, alias="cost")
    inner: Inner | None = None
    tags: list[str] = []
    colour: Colour = Colour.RED


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    number: int
    text: str = "x"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    good: bool


class Point(TypedDict):
    x: int
    y: float


Pet = Annotated[Union[Cat, Dog], Field(discriminator="kind")]  # noqa: UP007

#: Types that one piece of text can stand for.
SCALARS: dict[str, Any] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "bytes": bytes,
    "date": date,
    "datetime": datetime,
    "time": time,
    "timedelta": timedelta,
    "uuid": UUID,
    "decimal": Decimal,
    "colour": Colour,
    "rank": Rank,
    "literal": Literal["a", "b"],
    "int|str": int | str,
    "int|None": int | None,
    "str|None": str | None,
}
#: Types that several can stand for.
SEQUENCES: dict[str, Any] = {
    "list[int]": list[int],
    "list[str]": list[str],
    "set[int]": set[int],
    "tuple[int, ...]": tuple[int, ...],
    "list[colour]|None": list[Colour] | None,
}
#: Types of bodies.
BODIES: dict[str, Any] = {
    "item": Item,
    "strict": Strict,
    "pet": Pet,
    "point": Point,
    "list[inner]": list[Inner],
    "dict[str, int]": dict[str, int],
    "inner|None": Inner | None,
    "int": int,
    "item|strict": Item | Strict,
}
#: What an uploaded file can be read as; "upload" is the package's own UploadFile.
FILES: dict[str, Any] = {
    "bytes": bytes,
    "list[bytes]": list[bytes],
    "upload": "UploadFile",
    "list[upload]": "list[UploadFile]",
}
TYPES = {**SCALARS, **SEQUENCES, **BODIES}
CONSTRAINTS: dict[str, dict[str, Any]] = {
    "int": {"ge": 1, "lt": 10},
    "float": {"gt": 0.5},
    "str": {"min_length": 2, "pattern": "^[a-z]+$"},
    "decimal": {"max_digits": 3},
    "list[int]": {"min_length": 1, "max_length": 2},
}


@dataclass(frozen=True)
class Parameter:
    """One parameter: `source` is Path, Query, Header, Cookie, Body, Form, File or "" for none."""

    name: str
    source: str
    kind: str
    default: str = "required"  # or "none", "value"
    alias: str | None = None
    constrained: bool = False
    embed: bool = False


@dataclass(frozen=True)
class Plan:
    """One operation, whether it is `async def`, and what it depends on."""

    method: str
    path: str
    parameters: tuple[Parameter, ...]
    dependency: tuple[Parameter, ...] = ()
    is_async: bool = True
    answers: str = "echo"
    status: int | None = None
    options: dict[str, Any] = field(default_factory=dict)


def build(package: ModuleType, plan: Plan) -> Any:
    """The application of `plan`."""
    app = package.FastAPI()
    endpoint = _function("endpoint", package, plan.parameters, plan.is_async)
    if plan.dependency:
        needed = _function("dependency", package, plan.dependency, False)
        signature = inspect.signature(endpoint)
        given = inspect.Parameter(
            "given", inspect.Parameter.KEYWORD_ONLY, default=package.Depends(needed), annotation=Any
        )
        endpoint.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*signature.parameters.values(), given]
        )
    options = dict(plan.options)
    if plan.status is not None:
        options["status_code"] = plan.status
    if plan.method == "WEBSOCKET":
        app.websocket(plan.path)(_conversation(package, endpoint))
    else:
        app.api_route(plan.path, methods=[plan.method], **options)(endpoint)
    return app


def _conversation(package: ModuleType, endpoint: Any) -> Any:
    """A WebSocket that says what it was given, then repeats what it is told until "close"."""

    async def talk(socket: Any, **given: Any) -> None:
        await socket.accept(subprotocol=next(iter(socket.scope["subprotocols"]), None))
        await socket.send_json(endpoint(**given))
        while (text := await socket.receive_text()) != "close":
            if text == "error":
                raise package.WebSocketException(1008, "told to")
            await socket.send_text(text * 2)
        await socket.close(4000, "asked to")

    signature = inspect.signature(endpoint)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    first = inspect.Parameter("socket", kind, annotation=package.WebSocket)
    talk.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[first, *signature.parameters.values()]
    )
    return talk


def _function(name: str, package: ModuleType, parameters: Any, is_async: bool) -> Any:
    def echo(**given: Any) -> dict[str, Any]:
        return {key: [type(value).__name__, _shown(value)] for key, value in given.items()}

    async def echo_async(**given: Any) -> dict[str, Any]:
        return echo(**given)

    function: Any = echo_async if is_async else echo
    function.__name__ = name
    function.__signature__ = inspect.Signature([_parameter(package, one) for one in parameters])
    return function


def _shown(value: Any) -> Any:
    if isinstance(value, list) and value and hasattr(value[0], "file"):
        return [_shown(one) for one in value]
    if hasattr(value, "file"):
        headers = sorted(value.headers.items())
        return [value.filename, value.content_type, value.size, repr(value.file.read()), headers]
    return repr(value)


def _parameter(package: ModuleType, one: Parameter) -> inspect.Parameter:
    annotation = FILES[one.kind] if one.source == "File" else TYPES[one.kind]
    if isinstance(annotation, str):
        upload = package.UploadFile
        annotation = upload if annotation == "UploadFile" else list[upload]  # type: ignore[valid-type]
    default: Any = inspect.Parameter.empty
    if one.default == "none":
        annotation, default = annotation | None if one.kind != "pet" else annotation, None
    elif one.default == "value":
        default = None if one.source == "File" else _VALUES.get(one.kind)
    if one.source:
        options: dict[str, Any] = {}
        if one.alias:
            options["alias"] = one.alias
        if one.constrained and one.default != "none":
            options |= CONSTRAINTS.get(one.kind, {})
        if one.embed:
            options["embed"] = True
        annotation = Annotated[annotation, getattr(package, one.source)(**options)]
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(one.name, kind, annotation=annotation, default=default)


_VALUES: dict[str, Any] = {"int": 3, "str": "abc", "float": 1.5, "list[int]": [1], "bool": True}
