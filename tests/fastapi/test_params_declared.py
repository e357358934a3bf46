"""Declared parameters: what reaches pydantic, what stays beside it, and what is shown of it."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
import warnings
from typing import Annotated, get_type_hints

import pytest
from pydantic_core import PydanticUndefined

from carboy.fastapi import param_functions, params
from carboy.fastapi.exceptions import FastAPIDeprecationWarning

KINDS = ["Path", "Query", "Header", "Cookie", "Body", "Form", "File"]


@pytest.mark.parametrize("kind", KINDS)
def test_functions_return_the_class_of_their_name(kind: str) -> None:
    made = getattr(param_functions, kind)(title="T", le=3)
    assert type(made) is getattr(params, kind)
    assert made.title == "T"
    assert [mark.le for mark in made.metadata] == [3]
    assert made.default is PydanticUndefined


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_signature_shows_can_be_given(kind: str) -> None:
    function = getattr(param_functions, kind)
    shown = inspect.signature(function).parameters
    assert all(one.kind is not one.VAR_KEYWORD for one in shown.values())
    assert len(shown) >= 31
    given = {name: one.default for name, one in shown.items() if name != "default"}
    assert vars(function(**given)) == vars(function())


def test_signatures_keep_fastapis_order() -> None:
    def between(kind: str) -> list[str]:
        names = list(inspect.signature(getattr(param_functions, kind)).parameters)
        return names[: names.index("title")]

    aliases = ["alias", "alias_priority", "validation_alias", "serialization_alias"]
    assert between("Query") == ["default", "default_factory", *aliases]
    assert between("Header") == ["default", "default_factory", *aliases, "convert_underscores"]
    assert between("Body") == ["default", "default_factory", "embed", "media_type", *aliases]
    assert list(inspect.signature(params.Form).parameters)[:4] == [
        "default",
        "default_factory",
        "annotation",
        "media_type",
    ]


@pytest.mark.parametrize(("kind", "option"), [("Query", "embed"), ("Form", "embed"), ("Path", "x")])
def test_an_option_of_another_class_is_refused(kind: str, option: str) -> None:
    with pytest.raises(
        TypeError, match=rf"{kind}\(\) got an unexpected keyword argument '{option}'"
    ):
        getattr(params, kind)(**{option: True})


def test_a_path_has_no_default() -> None:
    with pytest.raises(AssertionError, match="cannot have a default"):
        params.Path(None)


def test_an_alias_spreads_to_where_none_is_given() -> None:
    both = params.Query(alias="a")
    assert (both.validation_alias, both.serialization_alias) == ("a", "a")
    own = params.Query(alias="a", validation_alias="v", serialization_alias="s")
    assert (own.alias, own.validation_alias, own.serialization_alias) == ("a", "v", "s")
    # Only what was said is marked as said: merging Annotated metadata depends on it.
    assert "alias" not in params.Query()._attributes_set
    assert params.Query(alias=None)._attributes_set["alias"] is None


@pytest.mark.parametrize(("option", "instead"), [("regex", "pattern"), ("example", "examples")])
@pytest.mark.parametrize("kind", KINDS)
def test_old_options_warn_whoever_wrote_them(kind: str, option: str, instead: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(param_functions, kind)(**{option: "x"})
    (warning,) = caught
    assert warning.category is FastAPIDeprecationWarning
    assert warning.filename == __file__
    assert f"`{option}`" in str(warning.message)
    assert f"`{instead}`" in str(warning.message)


def test_only_what_is_no_body_has_a_source() -> None:
    assert not hasattr(params.Param(), "in_")
    assert not issubclass(params.Body, params.Param)
    assert [getattr(params, kind).in_.value for kind in KINDS[:4]] == [
        "path",
        "query",
        "header",
        "cookie",
    ]


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "2"])
def test_a_limit_is_a_positive_integer(limit: object) -> None:
    with pytest.raises(ValueError, match="positive integer"):
        params.Depends(max_concurrency=limit)  # type: ignore[arg-type]


def test_limits_are_counted_where_they_were_declared() -> None:
    first, second = params.Depends(max_concurrency=2), params.Depends(max_concurrency=2)
    assert first._concurrency is not second._concurrency
    assert first != second
    assert dataclasses.replace(first, dependency=print)._concurrency is first._concurrency
    assert dataclasses.replace(first, max_concurrency=3)._concurrency is not first._concurrency
    assert dataclasses.replace(first, max_concurrency=None)._concurrency is None
    assert len({Annotated[int, first], Annotated[int, second]}) == 2
    assert params.Depends(print) == params.Depends(print)
    assert " _concurrency" not in repr(first)


def test_security_is_a_dependency_with_scopes() -> None:
    made = param_functions.Security(print, scopes=["read"], use_cache=False)
    assert isinstance(made, params.Depends)
    assert (made.dependency, made.use_cache, made.scope, made.scopes) == (
        print,
        False,
        None,
        ["read"],
    )
    assert hash(params.Security(print, scopes=("read",)))
    with pytest.raises(TypeError):
        hash(made)


def test_depends_is_had_without_pydantic() -> None:
    code = (
        "import sys, carboy.fastapi.depends as d; d.Depends(print); d.Security(print);"
        "sys.exit('pydantic' in sys.modules or 'anyio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert params.Depends.__module__ == "carboy.fastapi.depends"


def test_options_are_typed() -> None:
    hints = get_type_hints(param_functions.Depends)
    assert hints["max_concurrency"] == int | None
