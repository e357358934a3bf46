"""Signatures -> Dependants: what a parameter is taken for, which declarations are refused."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import AliasChoices, BaseModel, Field
from starlette.background import BackgroundTasks
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from carboy.fastapi import params
from carboy.fastapi.datastructures import UploadFile
from carboy.fastapi.dependencies.models import Dependant, _get_cache_key, _get_oauth_scopes
from carboy.fastapi.dependencies.utils import (
    add_param_to_fields,
    get_dependant,
    get_flat_params,
    get_parameterless_sub_dependant,
    get_stream_item_type,
    get_typed_annotation,
    get_typed_return_annotation,
    get_typed_signature,
    is_plain,
)
from carboy.fastapi.exceptions import DependencyScopeError
from carboy.fastapi.param_functions import Body, Cookie, Depends, File, Form, Header, Path, Query
from carboy.fastapi.security.oauth2 import SecurityScopes

if TYPE_CHECKING:
    from nowhere import Unknown  # type: ignore[import-not-found]


class Item(BaseModel):
    size: int


class Later:
    pass


def kinds(call: Any, path: str = "/") -> dict[str, str]:
    """Parameter -> the class of its field's declaration."""
    found = get_dependant(path=path, call=call)
    groups = ("path", "query", "header", "cookie", "body")
    fields = [field for group in groups for field in getattr(found, f"{group}_params")]
    return {field.name: type(field.field_info).__name__ for field in fields}


def test_the_type_decides_where_nothing_is_declared() -> None:
    def call(
        item_id: int, q: str, item: Item, rows: list[int], f: UploadFile, fs: list[UploadFile]
    ) -> None: ...

    assert kinds(call, "/{item_id}") == {
        "item_id": "Path",
        "q": "Query",
        "item": "Body",
        "rows": "Body",
        "f": "File",
        "fs": "File",
    }


def test_declarations_are_kept() -> None:
    def call(
        a: Annotated[str, Header()],
        b: Annotated[str, Cookie()],
        c: Annotated[str, Form()],
        d: Annotated[list[int], Query()],
        e: int = Body(2),
        f: bytes = File(),
    ) -> None: ...

    assert kinds(call) == {
        "a": "Header",
        "b": "Cookie",
        "c": "Form",
        "d": "Query",
        "e": "Body",
        "f": "File",
    }


def test_the_last_mark_in_annotated_counts_and_keeps_the_limits_of_the_others() -> None:
    def call(n: Annotated[int, Query(gt=2), Header(lt=10)] = 5) -> None: ...

    (field,) = get_dependant(path="/", call=call).header_params
    assert field.alias == "n"
    assert field.default == 5
    assert [field.validate(value)[1] == [] for value in ("2", "5", "10")] == [False, True, False]


def test_a_shared_mark_does_not_take_over_the_defaults_of_its_parameters() -> None:
    shared = Annotated[int, Query(ge=0)]

    def call(one: shared, two: shared = 2) -> None: ...  # type: ignore[valid-type]

    one, two = get_dependant(path="/", call=call).query_params
    assert one.field_info.is_required()
    assert two.default == 2
    assert (one.alias, two.alias) == ("one", "two")


def test_headers_have_dashes_unless_told_otherwise() -> None:
    def call(
        x_token: Annotated[str, Header()],
        y_token: Annotated[str, Header(convert_underscores=False)],
        z_token: Annotated[str, Header(alias="Z")],
    ) -> None: ...

    found = get_dependant(path="/", call=call).header_params
    assert [field.alias for field in found] == ["x-token", "y_token", "Z"]


def test_a_path_parameter_takes_the_name_that_its_path_has() -> None:
    def call(n: int = Path(validation_alias=AliasChoices("a", "n"))) -> None: ...

    for path, name in (("/x/{n}", "n"), ("/{n}/{a}", "a")):
        (field,) = get_dependant(path=path, call=call).path_params
        assert field.validation_alias == name


def test_special_objects_are_told_by_their_class() -> None:
    def call(
        a: Request,
        b: WebSocket,
        c: HTTPConnection,
        d: JSONResponse,
        e: BackgroundTasks,
        f: SecurityScopes,
    ) -> None: ...

    found = get_dependant(path="/", call=call)
    assert found.request_param_name == "a"
    assert found.websocket_param_name == "b"
    assert found.http_connection_param_name == "c"
    assert found.response_param_name == "d"
    assert found.background_tasks_param_name == "e"
    assert found.security_scopes_param_name == "f"


def nothing() -> None: ...


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        (Annotated[int, Depends(nothing)], Depends(nothing), "`Depends` in `Annotated` and def"),
        (Annotated[int, Query()], Depends(nothing), "`Annotated` and `Depends` as a default"),
        (Annotated[int, Query()], Query(), "FastAPI annotations in `Annotated` and default"),
        (Annotated[int, Query(default=1)], ..., "`Query` default value cannot be set"),
        (Annotated[Request, Query()], ..., "Cannot specify FastAPI annotation for type"),
        (dict[str, int], Query(), "Query parameter 'x' must be one of the supported types"),
        (int, Field(), "non-body parameters must be in path, query, header or cookie: x"),
    ],
)
def test_contradictions_are_refused(annotation: Any, default: Any, message: str) -> None:
    def call(x: Any) -> None: ...

    call.__annotations__["x"] = annotation
    if default is not ...:
        call.__defaults__ = (default,)
    with pytest.raises(AssertionError, match=message):
        get_dependant(path="/", call=call)


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        (Annotated[int, Query()], ..., "Cannot use `Query` for path param 'x'"),
        (Annotated[int, Path()], 3, "Path parameters cannot have default values"),
        (list[int], ..., "Path params must be of one of the supported types"),
    ],
)
def test_what_a_path_can_not_have_is_refused(annotation: Any, default: Any, message: str) -> None:
    def call(x: Any) -> None: ...

    call.__annotations__["x"] = annotation
    if default is not ...:
        call.__defaults__ = (default,)
    with pytest.raises(AssertionError, match=message):
        get_dependant(path="/{x}", call=call)


def test_depends_without_a_callable_is_the_type() -> None:
    class Settings:
        def __init__(self, q: str = "") -> None: ...

    def call(settings: Annotated[Settings, Depends()]) -> None: ...

    (sub,) = get_dependant(path="/", call=call).dependencies
    assert sub.call is Settings
    assert [field.name for field in sub.query_params] == ["q"]


def test_scopes_go_down_and_count_only_where_they_are_looked_at() -> None:
    def reads(scopes: SecurityScopes) -> None: ...

    def above(
        a: Annotated[None, params.Security(reads, scopes=["b"])],
        b: Annotated[None, Depends(nothing)],
    ) -> None: ...

    declared = params.Security(above, scopes=["a"])
    found = get_parameterless_sub_dependant(depends=declared, path="/")
    scoped, free = found.dependencies
    assert _get_oauth_scopes(dependant=scoped) == ["a", "b"]
    assert _get_cache_key(dependant=scoped) == (reads, ("a", "b"), "")
    assert _get_cache_key(dependant=free) == (nothing, (), "")


def test_what_outlives_the_answer_can_not_use_what_does_not() -> None:
    def inner() -> Iterator[int]:
        yield 1

    def outer(x: Annotated[int, Depends(inner, scope="function")]) -> Iterator[int]:
        yield x

    async def late(x: Annotated[int, Depends(inner, scope="function")]) -> AsyncIterator[int]:
        yield x

    for call in (outer, late):
        with pytest.raises(DependencyScopeError, match=f'"{call.__name__}" has a scope of "requ'):
            get_dependant(path="/", call=call)
        assert get_dependant(path="/", call=call, scope="function").dependencies


def test_a_dependency_that_is_met_twice_is_described_once() -> None:
    class Filter(BaseModel):
        limit: int = 1
        offset: int = 0

    def inner(h: Annotated[str, Header()]) -> None: ...

    def left(x: Annotated[None, Depends(inner)], c: Annotated[str, Cookie()]) -> None: ...

    def call(
        a: Annotated[None, Depends(left)],
        b: Annotated[None, Depends(inner)],
        f: Annotated[Filter, Query()],
    ) -> None: ...

    flat = get_flat_params(get_dependant(path="/", call=call))
    assert [field.name for field in flat] == ["limit", "offset", "h", "c"]


def test_a_name_that_only_type_checkers_know_stays_a_reference() -> None:
    def call(a: "Unknown", b: "Later", c: "None" = None) -> "Later": ...

    found = get_typed_signature(call).parameters
    assert found["a"].annotation.__forward_arg__ == "Unknown"
    assert found["b"].annotation is Later
    assert found["c"].annotation is None
    assert get_typed_return_annotation(call) is Later
    assert get_typed_return_annotation(lambda: 1) is None
    assert get_typed_annotation("list[Later]", globals()) == list[Later]


def test_what_a_stream_yields() -> None:
    assert get_stream_item_type(AsyncIterator[int]) is int
    assert get_stream_item_type(Iterator[Item]) is Item
    assert get_stream_item_type(list[int]) is None
    assert get_stream_item_type(int) is None


def test_a_field_without_a_place_is_refused() -> None:
    def call(x: int) -> None: ...

    (field,) = get_dependant(path="/", call=call).query_params
    field.field_info.in_ = None  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="must be in path, query, header or cookie: x"):
        add_param_to_fields(field=field, dependant=Dependant())


@pytest.mark.parametrize(
    ("annotation", "plain"),
    [
        (Annotated[int, Query()], True),
        (Annotated[int | None, Query(alias="n", gt=1)], True),
        (Annotated[list[int], Query()], True),
        (Annotated[set[str] | None, Header()], True),
        (Annotated[str, Cookie()], True),
        (Annotated[Item, Body()], True),
        (Annotated[int, Body(embed=True)], True),
        (Annotated[list[str], Cookie()], False),
        (Annotated[Item, Query()], False),
        (Annotated[Item | None, Header()], False),
        (Annotated[dict[str, str], Header()], False),
        (Annotated[int, Query(validation_alias=AliasChoices("a", "b"))], False),
        (Annotated[int, Body(validation_alias=AliasChoices("a", "b"))], False),
        (Annotated[int, Form()], False),
        (Annotated[bytes, File()], False),
    ],
)
def test_which_fields_the_compiler_can_write_out(annotation: Any, plain: bool) -> None:
    def call(x: Any) -> None: ...

    call.__annotations__["x"] = annotation
    found = get_dependant(path="/", call=call)
    groups = (found.query_params, found.header_params, found.cookie_params, found.body_params)
    (field,) = [field for group in groups for field in group]
    assert is_plain(field) is plain
