"""Where a parameter comes from: Path, Query, Header, Cookie, Body, Form, File, Depends, Security.

They are pydantic FieldInfos, so that constraints, aliases and examples mean the same; what OpenAPI
wants beside is kept next to them. The options are written once, in ParamOptions. Reading what is
declared here is dependencies/'s work.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict, Unpack

import typing_extensions
from pydantic import AliasChoices, AliasPath, Discriminator
from pydantic.fields import FieldInfo

from carboy.fastapi._compat import Undefined
from carboy.fastapi.datastructures import _Unset
from carboy.fastapi.depends import Depends as Depends
from carboy.fastapi.depends import Security as Security
from carboy.fastapi.exceptions import FastAPIDeprecationWarning

if TYPE_CHECKING:
    from carboy.fastapi.openapi.models import Example


class ParamTypes(Enum):
    """The ``in`` of OpenAPI's parameters."""

    query = "query"
    header = "header"
    path = "path"
    cookie = "cookie"


class ParamOptions(TypedDict, total=False):
    """What every parameter takes beside its default; in the order signatures show."""

    default_factory: Callable[[], Any] | None
    alias: str | None
    alias_priority: int | None
    validation_alias: str | AliasPath | AliasChoices | None
    serialization_alias: str | None
    title: str | None
    description: str | None
    gt: float | None
    ge: float | None
    lt: float | None
    le: float | None
    min_length: int | None
    max_length: int | None
    pattern: str | re.Pattern[str] | None
    regex: str | None  # deprecated: pattern
    discriminator: str | Discriminator | None
    strict: bool | None
    validate_default: bool | None
    union_mode: Literal["smart", "left_to_right"] | None
    fail_fast: bool | None
    multiple_of: float | None
    allow_inf_nan: bool | None
    max_digits: int | None
    decimal_places: int | None
    examples: list[Any] | None
    example: Any  # deprecated: examples
    openapi_examples: dict[str, Example] | None
    deprecated: typing_extensions.deprecated | str | bool | None
    include_in_schema: bool
    json_schema_extra: dict[str, Any] | Callable[[dict[str, Any]], None] | None


class FieldOptions(ParamOptions, total=False):
    """`ParamOptions`, and what only the classes take, or only some of them."""

    annotation: Any
    convert_underscores: bool
    embed: bool | None
    media_type: str


#: Options that reach pydantic even where they are left out. None says "no constraint".
_ALWAYS: dict[str, Any] = dict.fromkeys(
    ("annotation", "gt", "ge", "lt", "le", "min_length", "max_length", "pattern")
)
#: What signatures show as defaults; of all other options `_Unset`, which pydantic never sees.
_DEFAULTS: dict[str, Any] = {
    **_ALWAYS,
    "regex": None,
    "openapi_examples": None,
    "include_in_schema": True,
}
_NAMES = frozenset({*ParamOptions.__annotations__, "annotation"})


class _Declared(FieldInfo):  # type: ignore[misc]
    """What all parameters have in common, those of the body and the others."""

    __signature__: ClassVar[inspect.Signature]

    #: Options of this class alone, with their defaults; they become attributes.
    _own: ClassVar[dict[str, Any]] = {}
    #: The option before which a signature shows them.
    _own_before: ClassVar[str] = "alias"
    _default: ClassVar[Any] = Undefined

    example: Any
    include_in_schema: bool
    openapi_examples: dict[str, Example] | None

    def __init__(self, default: Any = _Unset, **options: Unpack[FieldOptions]) -> None:
        said: dict[str, Any] = {**_ALWAYS, **options}
        if unknown := said.keys() - _NAMES - self._own.keys():
            name = type(self).__name__
            raise TypeError(f"{name}() got an unexpected keyword argument {min(unknown)!r}")
        for name, value in self._own.items():
            setattr(self, name, said.pop(name, value))
        self.example = said.pop("example", _Unset)
        self.include_in_schema = said.pop("include_in_schema", True)
        self.openapi_examples = said.pop("openapi_examples", None)
        if self.example is not _Unset:
            _deprecated_option("example", "examples")
        if (regex := said.pop("regex", None)) is not None:
            _deprecated_option("regex", "pattern")
        said["pattern"] = said["pattern"] or regex
        said["default"] = default = self._default if default is _Unset else default
        assert self._default is not ... or default is ..., (
            "Path parameters cannot have a default value"
        )
        _spread_alias(said)
        super().__init__(**{name: value for name, value in said.items() if value is not _Unset})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.default})"


def _spread_alias(said: dict[str, Any]) -> None:
    """An alias goes for requests and for answers, unless these are given their own."""
    alias = said.get("alias", _Unset)
    if isinstance(alias, str) and _is_open(said.get("serialization_alias")):
        said["serialization_alias"] = alias
    if _is_open(said.get("validation_alias")):
        said["validation_alias"] = alias


def _is_open(value: Any) -> bool:
    return value is None or value is _Unset


def _deprecated_option(old: str, new: str) -> None:
    # The level is that of who calls a function of param_functions.py.
    warnings.warn(
        f"`{old}` has been deprecated, please use `{new}` instead",
        category=FastAPIDeprecationWarning,
        stacklevel=4,
    )


def shown_signature(kind: type[_Declared], *, of_class: bool) -> inspect.Signature:
    """`kind`'s options one by one, as help() and tools want them, in FastAPI's order."""
    names = list(ParamOptions.__annotations__)
    if of_class:
        names.insert(1, "annotation")
    place = names.index(kind._own_before)
    names[place:place] = kind._own
    types = FieldOptions.__annotations__
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=kind._own.get(name, _DEFAULTS.get(name, _Unset)),
            annotation=getattr(types[name], "__forward_arg__", types[name]),
        )
        for name in names
    ]
    first = inspect.Parameter(
        "default", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=kind._default, annotation="Any"
    )
    return inspect.Signature([first, *parameters], return_annotation=None if of_class else "Any")


class Param(_Declared):  # type: ignore[misc]
    """A parameter that is not the body; `in_` says where from."""

    in_: ParamTypes


class Path(Param):  # type: ignore[misc]
    """A variable of the path. There is no path without it, so it has no default."""

    in_ = ParamTypes.path
    _default = ...


class Query(Param):  # type: ignore[misc]
    """A field of the query string."""

    in_ = ParamTypes.query


class Header(Param):  # type: ignore[misc]
    """A header; underscores in the name stand for hyphens unless `convert_underscores` is False."""

    in_ = ParamTypes.header
    convert_underscores: bool
    _own: ClassVar[dict[str, Any]] = {"convert_underscores": True}
    _own_before = "title"


class Cookie(Param):  # type: ignore[misc]
    """A cookie."""

    in_ = ParamTypes.cookie


class Body(_Declared):  # type: ignore[misc]
    """The JSON body, or one key of it where there are several, or with `embed`."""

    embed: bool | None = None
    media_type: str
    _own: ClassVar[dict[str, Any]] = {"embed": None, "media_type": "application/json"}


class Form(Body):  # type: ignore[misc]
    """A field of a form."""

    _own: ClassVar[dict[str, Any]] = {"media_type": "application/x-www-form-urlencoded"}


class File(Form):  # type: ignore[misc]
    """A file of a form."""

    _own: ClassVar[dict[str, Any]] = {"media_type": "multipart/form-data"}


_kinds: tuple[type[_Declared], ...] = (Param, Path, Query, Header, Cookie, Body, Form, File)
for _kind in _kinds:
    _kind.__signature__ = shown_signature(_kind, of_class=True)


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
