"""Errors' texts, settings that nobody chose, limits, and what is to be had without pydantic."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request

from carboy.fastapi import exceptions, utils
from carboy.fastapi._body_limit import (
    AppBodyLimitMiddleware,
    get_body_limit_error,
    get_body_size_limit,
    validate_max_body_size,
    wrap_app_with_body_limit,
)
from carboy.fastapi._form_limits import _validate_form_limits
from carboy.fastapi.concurrency import (
    _contextmanager_with_concurrency_limit,
    _DependencyConcurrency,
    contextmanager_in_threadpool,
    iterate_in_threadpool,
    run_in_threadpool,
)
from carboy.fastapi.datastructures import Default, DefaultPlaceholder, UploadFile
from carboy.fastapi.exception_handlers import http_exception_handler
from carboy.fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from carboy.fastapi.responses import ORJSONResponse, UJSONResponse


def test_validation_errors_say_where() -> None:
    place: exceptions.EndpointContext = {
        "function": "get",
        "path": "GET /x",
        "file": "a.py",
        "line": 3,
    }
    error = exceptions.RequestValidationError([{"a": 1}], body=b"x", endpoint_ctx=place)
    text = "1 validation error:\n  {'a': 1}\n\n  File \"a.py\", line 3, in get\n    GET /x"
    assert str(error) == text
    assert (error.body, error.endpoint_line) == (b"x", 3)
    only_path = exceptions.ResponseValidationError([1, 2], endpoint_ctx={"path": "GET /x"})
    assert str(only_path) == "2 validation errors:\n  1\n  2\n\n  Endpoint: GET /x"
    assert str(exceptions.WebSocketRequestValidationError([])) == "0 validation errors:"


def test_models_that_stand_for_errors() -> None:
    assert exceptions.RequestErrorModel.__name__ == "Request"
    assert exceptions.WebSocketErrorModel is exceptions.WebSocketErrorModel
    with pytest.raises(AttributeError):
        _ = exceptions.OtherModel  # type: ignore[attr-defined]


@pytest.mark.parametrize(("status", "body"), [(404, b'{"detail":"D"}'), (204, b""), (304, b"")])
def test_http_exceptions_as_answers(status: int, body: bytes) -> None:
    error = exceptions.HTTPException(status, "D", {"X-A": "b"})
    answer = asyncio.run(http_exception_handler(Request({"type": "http"}), error))
    assert (answer.status_code, answer.body, answer.headers["x-a"]) == (status, body, "b")


def test_a_default_is_not_the_same_value_chosen() -> None:
    nobodys: Any = Default("x")
    assert isinstance(nobodys, DefaultPlaceholder)
    assert nobodys == Default("x")
    assert nobodys != "x"
    assert len({nobodys, Default("x"), Default([])}) == 2
    assert not Default("")
    choose = utils.get_value_or_default
    assert choose(nobodys, Default("y"), None, "z") is None
    assert choose(nobodys, Default("y")) is nobodys


def test_an_upload_is_starlettes_or_none() -> None:
    with pytest.raises(ValueError, match="str"):
        UploadFile._validate("text", None)


def test_deep_update() -> None:
    main = {"a": {"b": [1], "c": 1}, "d": [1]}
    utils.deep_dict_update(main, {"a": {"b": [2], "e": 2}, "d": 3})
    assert main == {"a": {"b": [1, 2], "c": 1, "e": 2}, "d": 3}


def test_names_and_statuses() -> None:
    assert utils.get_path_param_names("/{a}/{b:path}") == {"a", "b:path"}
    allowed = {s: utils.is_body_allowed_for_status_code(s) for s in ("2XX", None, 199, "204", 205)}
    assert allowed == {"2XX": True, None: True, 199: False, "204": False, 205: False}
    with pytest.warns(exceptions.FastAPIDeprecationWarning):
        made = utils.generate_operation_id_for_path(name="f", path="/a-{b}", method="GET")
    assert made == "f_a__b__get"


def test_form_limits() -> None:
    given: Any = {"max_fields": 0}
    assert _validate_form_limits(given) == given
    assert _validate_form_limits(given) is not given
    assert _validate_form_limits(None) == {}
    for wrong in ({"max_fields": -1}, {"max_files": True}, {"max_part_size": "1"}, {"other": 1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            _validate_form_limits(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [-1, True, 1.0, "1"])
def test_body_limits_are_numbers(wrong: Any) -> None:
    validate_max_body_size(0)
    validate_max_body_size(None)
    with pytest.raises(ValueError, match="non-negative"):
        validate_max_body_size(wrong)


def post(app: Any, body: bytes) -> int:
    """The status `app` answers, asked over ASGI."""
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status"))

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    asyncio.run(app(scope, receive, send))
    return int(statuses[0] or 0)


def test_a_body_over_the_limit_is_found_in_groups_and_mounted_applications() -> None:
    seen: list[Exception | None] = []

    async def endpoint(scope: Any, receive: Any, send: Any) -> None:
        try:
            await Request(scope, receive).body()
        except StarletteHTTPException as error:
            seen.append(get_body_limit_error(ExceptionGroup("", [error, ValueError()])))
            raise ExceptionGroup("outer", [ExceptionGroup("inner", [error])]) from error
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    mounted = AppBodyLimitMiddleware(endpoint, None)
    for app in (wrap_app_with_body_limit(endpoint, 3), wrap_app_with_body_limit(mounted, 3)):
        assert post(app, b"abc") == 200
        assert post(app, b"abcd") == 413
    assert post(wrap_app_with_body_limit(mounted, 9), b"abcd") == 200
    assert post(AppBodyLimitMiddleware(mounted, 3), b"abcd") == 413
    assert seen == [None] * 3
    assert wrap_app_with_body_limit(endpoint, None) is endpoint
    assert get_body_size_limit(None, 0, 5) == 0
    assert get_body_limit_error(StarletteHTTPException(413)) is None


def test_context_managers_in_threads() -> None:
    places: list[Any] = []

    @contextmanager
    def opened(swallow: bool) -> Iterator[str]:
        places.append(threading.get_ident())
        try:
            yield "value"
        except KeyError as error:
            places.append(error.args)
            if not swallow:
                raise
        finally:
            places.append(threading.get_ident())

    async def use(swallow: bool) -> None:
        async with contextmanager_in_threadpool(opened(swallow)) as value:
            assert value == "value"
            raise KeyError("body")

    asyncio.run(use(True))
    with pytest.raises(KeyError, match="body"):
        asyncio.run(use(False))
    assert threading.get_ident() not in places
    assert places.count(("body",)) == 2


def test_a_dependency_is_open_so_often_at_a_time() -> None:
    limit = _DependencyConcurrency(2)
    open_now: list[int] = []
    most = 0

    async def use(semaphore: Any) -> None:
        nonlocal most

        class Opened:
            async def __aenter__(self) -> None:
                open_now.append(1)

            async def __aexit__(self, *exc_info: object) -> None:
                open_now.pop()

        async with _contextmanager_with_concurrency_limit(Opened(), semaphore):
            most = max(most, len(open_now))
            await asyncio.sleep(0)

    async def main() -> Any:
        semaphore = limit.get_semaphore()
        assert semaphore is limit.get_semaphore()
        assert semaphore is not _DependencyConcurrency(2).get_semaphore()
        await asyncio.gather(*(use(semaphore) for _ in range(6)))
        return semaphore

    assert asyncio.run(main()) is not asyncio.run(main())
    assert most == 2


def test_starlettes_helpers_are_starlettes() -> None:
    import starlette.concurrency

    assert run_in_threadpool is starlette.concurrency.run_in_threadpool
    assert iterate_in_threadpool is starlette.concurrency.iterate_in_threadpool


def test_the_stack_around_a_request_closes_last() -> None:
    order: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["stack"].callback(order.append, "closed")
        order.append("answered")

    scope: dict[str, Any] = {}
    asyncio.run(AsyncExitStackMiddleware(app, "stack")(scope, None, None))  # type: ignore[arg-type]
    assert order == ["answered", "closed"]


@pytest.mark.parametrize("response", [ORJSONResponse, UJSONResponse])
def test_responses_that_are_going(response: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = response.__name__.removesuffix("Response").lower()
    monkeypatch.setitem(sys.modules, name, None)
    with (
        pytest.warns(exceptions.FastAPIDeprecationWarning, match=f"{response.__name__} is"),
        pytest.raises(AssertionError, match=f"pip install {name}"),
    ):
        response({})


def test_leaves_load_neither_pydantic_nor_optional_packages() -> None:
    light = "responses requests websockets exceptions exception_handlers datastructures utils types"
    program = "import sys\n" + "\n".join(
        f"import carboy.fastapi.{name}"
        for name in (*light.split(), "concurrency", "_form_limits", "_body_limit")
    )
    heavy = "pydantic orjson ujson jinja2 httpx opentelemetry email_validator"
    program += f"\nprint([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
