"""Questions about annotations, through unions and Annotated; pydantic's v1 without importing it."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar, Union

import pytest
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from carboy.fastapi._compat import (
    field_annotation_is_scalar,
    field_annotation_is_scalar_sequence,
    field_annotation_is_sequence,
    is_bytes_or_nonable_bytes_annotation,
    is_bytes_sequence_annotation,
    is_uploadfile_or_nonable_uploadfile_annotation,
    is_uploadfile_sequence_annotation,
    lenient_issubclass,
    value_is_sequence,
)

T = TypeVar("T")


class Item(BaseModel):
    name: str


class Boxed(Generic[T]):
    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any: ...


#: annotation -> (sequence, scalar, sequence of scalars)
TABLE: list[tuple[Any, tuple[bool, bool, bool]]] = [
    (int, (False, True, False)),
    (bytes, (False, True, False)),
    (..., (False, True, False)),
    (list, (True, False, True)),
    (deque[int], (True, False, True)),
    (Sequence[str], (True, False, True)),
    (tuple[int, ...], (True, False, True)),
    (list[Item], (True, False, False)),
    (list[list[int]], (True, False, False)),
    (Item, (False, False, False)),
    (Mapping[str, int], (False, False, False)),
    (UploadFile, (False, False, False)),
    (Boxed[int], (False, False, False)),
    (int | None, (False, True, False)),
    (list[int] | None, (True, False, True)),
    (list[int] | Item, (True, False, False)),
    (Annotated[list[int], "x"], (True, False, True)),
    (Annotated[list[int] | None, "x"], (True, False, True)),
    (Union[Annotated[list[int], "x"], None], (True, False, True)),  # noqa: UP007
]


@pytest.mark.parametrize(("annotation", "answers"), TABLE, ids=lambda one: str(one))
def test_one_or_many(annotation: Any, answers: tuple[bool, bool, bool]) -> None:
    questions = (
        field_annotation_is_sequence,
        field_annotation_is_scalar,
        field_annotation_is_scalar_sequence,
    )
    assert tuple(ask(annotation) for ask in questions) == answers


def test_bytes_and_files() -> None:
    for cls, one, many in (
        (bytes, is_bytes_or_nonable_bytes_annotation, is_bytes_sequence_annotation),
        (
            UploadFile,
            is_uploadfile_or_nonable_uploadfile_annotation,
            is_uploadfile_sequence_annotation,
        ),
    ):
        assert [one(it) for it in (cls, cls | None, list[cls], int)] == [True, True, False, False]
        assert [many(it) for it in (list[cls], list[str] | list[cls], cls, list[int])] == [
            True,
            True,
            False,
            False,
        ]


def test_what_is_no_class_is_a_subclass_of_none() -> None:
    assert lenient_issubclass(bool, int)
    assert not lenient_issubclass(list[int], list)
    assert not lenient_issubclass("int", int)


def test_text_is_one_value() -> None:
    assert [value_is_sequence(it) for it in ([], (), deque(), "a", b"a", {})] == [
        *(True, True, True),
        *(False, False, False),
    ]


def test_v1_is_recognized_and_never_imported() -> None:
    code = """
import sys
from carboy.fastapi import _compat as c
assert not c.annotation_is_pydantic_v1(list[int])
assert not c.is_pydantic_v1_model_instance(1)
assert "pydantic.v1" not in sys.modules
from pydantic import v1
class Old(v1.BaseModel): ...
for one in (Old, Old | None, list[Old], list[list[Old]]):
    assert c.annotation_is_pydantic_v1(one), one
assert not c.annotation_is_pydantic_v1(dict[str, int])
assert c.is_pydantic_v1_model_instance(Old())
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    assert subprocess.run(command, check=False).returncode == 0
