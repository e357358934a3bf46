"""Path, query, headers and cookies -> values and errors, for the unusual parameters too."""

from typing import Annotated, Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, Json
from starlette.datastructures import Headers, QueryParams

from carboy.fastapi.dependencies.utils import (
    _get_param_aliases,
    get_dependant,
    request_params_to_args,
)
from carboy.fastapi.param_functions import Cookie, Header, Path, Query


def bind(annotation: Any, received: Any, default: Any = ..., path: str = "/") -> Any:
    """(value or None, [(loc, type) of the errors]) of one parameter `x_y`."""

    def call(x_y: Any) -> None: ...

    call.__annotations__["x_y"] = annotation
    if default is not ...:
        call.__defaults__ = (default,)
    found = get_dependant(path=path, call=call)
    groups = (found.path_params, found.query_params, found.header_params, found.cookie_params)
    (fields,) = filter(None, groups)
    values, errors = request_params_to_args(fields, received)
    return values.get("x_y"), [(error["loc"], error["type"]) for error in errors]


def headers(*items: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.lower().encode(), value.encode()) for name, value in items])


@pytest.mark.parametrize(
    ("annotation", "received", "expected"),
    [
        (Annotated[int, Query()], QueryParams("x_y=1&x_y=2"), (2, [])),
        (Annotated[list[int], Query()], QueryParams("x_y=1&x_y=2"), ([1, 2], [])),
        (Annotated[list[int], Query()], QueryParams(""), (None, [(("query", "x_y"), "missing")])),
        (
            Annotated[list[int], Query()],
            QueryParams("x_y=1&x_y=b"),
            (None, [(("query", "x_y", 1), "int_parsing")]),
        ),
        (Annotated[str, Query()], QueryParams("x_y="), ("", [])),
        (Annotated[str, Header()], headers(("x-y", "a"), ("x-y", "b")), ("a", [])),
        (Annotated[list[str], Header()], headers(("x-y", "a"), ("X-Y", "b")), (["a", "b"], [])),
        (Annotated[str, Header()], headers(("x_y", "a")), (None, [(("header", "x-y"), "missing")])),
        (Annotated[str, Cookie()], {"x_y": "a"}, ("a", [])),
        (
            Annotated[list[str], Cookie()],
            {"x_y": "a"},
            (None, [(("cookie", "x_y"), "list_type")]),
        ),
        (Annotated[Json[list[int]], Query()], QueryParams("x_y=[1]&x_y=[2,3]"), ([2, 3], [])),
        (
            Annotated[Json[list[int]], Query()],
            QueryParams("x_y="),
            (None, [(("query", "x_y"), "missing")]),
        ),
    ],
)
def test_one_value_or_many(annotation: Any, received: Any, expected: Any) -> None:
    assert bind(annotation, received) == expected


def test_the_path_gives_one_value() -> None:
    assert bind(Annotated[int, Path(gt=1)], {"x_y": "3"}, path="/{x_y}") == (3, [])
    wrong = (None, [(("path", "x_y"), "greater_than")])
    assert bind(Annotated[int, Path(gt=1)], {"x_y": "0"}, path="/{x_y}") == wrong


def test_defaults_are_fresh_and_checked_only_on_request() -> None:
    default: list[int] = [1]
    value, errors = bind(Annotated[list[int], Query()], QueryParams(""), default)
    assert (value, errors) == ([1], [])
    assert value is not default
    assert bind(Annotated[int, Query()], QueryParams(""), "n") == ("n", [])
    checked = Annotated[int, Query(validate_default=True)]
    assert bind(checked, QueryParams(""), "n") == (None, [(("query", "x_y"), "int_parsing")])


def test_the_first_alias_that_was_sent_counts() -> None:
    choice = Annotated[int, Query(validation_alias=AliasChoices("a", "b"))]
    assert bind(choice, QueryParams("b=2")) == (2, [])
    assert bind(choice, QueryParams("b=2&a=1")) == (1, [])
    assert bind(choice, QueryParams("b=n")) == (None, [(("query", "b"), "int_parsing")])
    assert bind(choice, QueryParams("x_y=1")) == (None, [(("query", "a"), "missing")])
    path = Annotated[int, Query(validation_alias=AliasPath("a", 0))]
    assert bind(path, QueryParams("x_y=5")) == (5, [])


class Page(BaseModel):
    first_row: int = 0
    tags: list[str] = []


class Open(Page):
    model_config = ConfigDict(extra="allow")


class Closed(Page):
    model_config = ConfigDict(extra="forbid")


class ByName(BaseModel):
    model_config = ConfigDict(validate_by_name=True)
    first_row: int = Field(alias="first")


class Unaliased(BaseModel):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=False)
    first_row: int = Field(alias="first")


def test_a_model_is_filled_field_by_field() -> None:
    page, errors = bind(Annotated[Page, Query()], QueryParams("first_row=2&tags=a&tags=b&z=1"))
    assert (page, errors) == (Page(first_row=2, tags=["a", "b"]), [])
    assert page.model_fields_set == {"first_row", "tags"}
    page, errors = bind(Annotated[Page, Cookie()], {"first_row": "2", "z": "1"})
    assert (page, errors) == (Page(first_row=2), [])


def test_what_no_field_takes_is_the_models_to_judge() -> None:
    query = QueryParams("z=1&z=2&w=3")
    page, errors = bind(Annotated[Open, Query()], query)
    assert errors == []
    assert page.model_extra == {"z": ["1", "2"], "w": "3"}
    wrong = [(("query", "z"), "extra_forbidden"), (("query", "w"), "extra_forbidden")]
    assert bind(Annotated[Closed, Query()], query) == (None, wrong)


def test_a_models_headers_have_dashes_and_errors_say_so() -> None:
    assert bind(Annotated[Page, Header()], headers(("First-Row", "4"))) == (Page(first_row=4), [])
    wrong = [(("header", "first-row"), "int_parsing")]
    assert bind(Annotated[Page, Header()], headers(("first-row", "n"))) == (None, wrong)
    plain = Annotated[Page, Header(convert_underscores=False)]
    assert bind(plain, headers(("first-row", "4"), ("first_row", "5"))) == (Page(first_row=5), [])
    # The name without dashes is neither the field nor an extra.
    assert bind(Annotated[Closed, Header()], headers(("first_row", "4"))) == (Closed(), [])


def test_an_optional_model_is_left_out_by_leaving_out_its_fields() -> None:
    optional = Annotated[Page | None, Query()]
    assert bind(optional, QueryParams("z=1"), None) == (None, [])
    assert bind(optional, QueryParams("tags=a"), None) == (Page(tags=["a"]), [])
    assert bind(optional, QueryParams("z=1")) == (None, [(("query",), "missing")])
    value, errors = bind(Annotated[Open | None, Query()], QueryParams("z=1"), None)
    assert (value.model_extra, errors) == ({"z": "1"}, [])


def test_models_that_go_by_name() -> None:
    for query, expected in (("first=1", 1), ("first_row=2", 2), ("first_row=2&first=1", 1)):
        value, errors = bind(Annotated[ByName, Query()], QueryParams(query))
        assert (value.first_row, errors) == (expected, [])
    value, errors = bind(Annotated[Unaliased, Query()], QueryParams("first=1&first_row=2"))
    assert (value.first_row, errors) == (2, [])


def test_the_names_of_a_field() -> None:
    def names(model: type[BaseModel], dashes: bool = False) -> list[tuple[str, str]]:
        from carboy.fastapi._compat import get_cached_model_fields

        field = get_cached_model_fields(model)[0]
        return _get_param_aliases(field, convert_underscores=dashes)

    assert names(Page, True) == [("first_row", "first-row")]
    assert names(ByName) == [("first", "first"), ("first_row", "first_row")]
    assert names(ByName, True) == [("first", "first"), ("first_row", "first-row")]
    assert names(Unaliased) == [("first_row", "first_row")]


def test_all_errors_are_collected_and_good_values_kept() -> None:
    def call(a: int, b: int, c: int = 3) -> None: ...

    fields = get_dependant(path="/", call=call).query_params
    values, errors = request_params_to_args(fields, QueryParams("a=x"))
    assert values == {"c": 3}
    assert [error["loc"] for error in errors] == [("query", "a"), ("query", "b")]
    assert errors[1] == {
        "type": "missing",
        "loc": ("query", "b"),
        "msg": "Field required",
        "input": None,
    }
    assert request_params_to_args([], QueryParams("a=x")) == ({}, [])
