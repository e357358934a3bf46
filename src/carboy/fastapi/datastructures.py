"""Values that declarations and requests are made of: uploads, defaults nobody chose, Starlette's.

An upload is Starlette's, taught to pydantic. A default that stands in a signature is wrapped, so
that whoever joins settings of several levels can tell it from the same value given on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from starlette.datastructures import URL, Address, FormData, Headers, QueryParams, State
from starlette.datastructures import UploadFile as StarletteUploadFile

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler

__all__ = [
    "URL",
    "Address",
    "Default",
    "DefaultPlaceholder",
    "FormData",
    "Headers",
    "QueryParams",
    "State",
    "UploadFile",
]


class UploadFile(StarletteUploadFile):
    """A file from a form. Its methods may be awaited; `file` is the file itself.

    `filename` and `content_type` are what the client claims, `size` is in bytes.
    """

    file: BinaryIO
    filename: str | None
    size: int | None
    headers: Headers
    content_type: str | None

    @classmethod
    def _validate(cls, value: Any, _: Any) -> UploadFile:
        # COMPAT: the form's own objects pass as they are, though they are of the base class.
        if isinstance(value, StarletteUploadFile):
            return cast(UploadFile, value)
        raise ValueError(f"Expected UploadFile, received: {type(value)}")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: Callable[[Any], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        from pydantic_core.core_schema import with_info_plain_validator_function

        return cast(Mapping[str, Any], with_info_plain_validator_function(cls._validate))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Mapping[str, Any], handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "contentMediaType": "application/octet-stream"}


class DefaultPlaceholder:
    """`value`, marked as chosen by nobody."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DefaultPlaceholder) and other.value == self.value

    # The same for all, since a value need not have one; with it, dataclasses take a default.
    def __hash__(self) -> int:
        return hash(DefaultPlaceholder)


DefaultType = TypeVar("DefaultType")


def Default(value: DefaultType) -> DefaultType:  # noqa: N802
    """`value` as a default in a signature; to a type checker it stays what it is."""
    return DefaultPlaceholder(value)  # type: ignore[return-value]


#: For arguments of which None means something.
_Unset: Any = Default(None)


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
