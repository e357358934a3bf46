"""What somebody is told who declares something that can't work: where it is, and what to write."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any

import pytest

from carboy.fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, WebSocket
from carboy.fastapi.exceptions import FastAPIError
from carboy.testing import TestClient


class Thing:
    """Nothing that pydantic knows."""


class Slotted:
    __slots__ = ("a",)


@contextlib.contextmanager
def managed() -> Iterator[int]:
    yield 1


PENDING: list[Coroutine[Any, Any, Any]] = []


async def load() -> dict[str, int]:
    return {"a": 1}


def of_a_class(x: Any) -> int:
    return 1


of_a_class.__annotations__["x"] = Thing


def of_optional_request(request: Any) -> int:
    return 1


of_optional_request.__annotations__["request"] = Request | None


def of_a_path(x: Any) -> int:
    return 1


of_a_path.__annotations__["x"] = list[int]


def of_nobody(x: Missing) -> int:  # type: ignore[name-defined]  # noqa: F821
    return 1


def of_a_result(x: Annotated[int, Depends(1)]) -> int:
    return 1


def of_an_object(x: Annotated[int, Depends(Thing())]) -> int:
    return 1


def of_a_context_manager(x: Annotated[int, Depends(managed)]) -> int:
    return 1


async def of_a_websocket(ws: WebSocket) -> int:
    return 1


async def of_a_request(request: Request) -> None:
    return None


def plain(x: int = 0) -> int:
    return x


def status_in_words(app: FastAPI) -> None:
    app.get("/", status_code="created")(plain)  # type: ignore[arg-type]


def misspelled(app: FastAPI) -> None:
    app.get("/", respons_model=int)(plain)  # type: ignore[call-arg]


def middleware_function(app: FastAPI) -> None:
    def timed(request: Any, call_next: Any) -> Any:
        return call_next(request)

    app.add_middleware(timed)


MISTAKES: list[tuple[Callable[[FastAPI], Any], type[Exception], list[str]]] = [
    (lambda app: app.get("/")(of_a_class), FastAPIError, ["'x' of of_a_class()", "Depends("]),
    (
        lambda app: app.get("/")(of_optional_request),
        FastAPIError,
        ["'request'", "`request: Request`"],
    ),
    (lambda app: app.get("/{x}")(of_a_path), AssertionError, ["'x' stands in the path"]),
    (lambda app: app.get("/")(of_nobody), FastAPIError, ["'x' of of_nobody()", "'Missing'"]),
    (
        lambda app: app.get("/")(of_a_result),
        TypeError,
        ["1 is not a callable object", "of_a_result()", "Depends(load), not Depends(load())"],
    ),
    (
        lambda app: app.get("/")(of_an_object),
        TypeError,
        ["not a callable object", "Thing a __call__"],
    ),
    (
        lambda app: app.get("/")(of_a_context_manager),
        FastAPIError,
        ["managed()", "take the decorator off"],
    ),
    (
        lambda app: app.get("/")(of_a_websocket),
        FastAPIError,
        ["'ws' of of_a_websocket()", "@app.websocket"],
    ),
    (
        lambda app: app.websocket("/")(of_a_request),
        FastAPIError,
        ["'request' of of_a_request()", "HTTPConnection"],
    ),
    (lambda app: app.get(plain), TypeError, ["the function plain", "with parentheses"]),  # type: ignore[arg-type]
    (
        lambda app: app.api_route("/", methods="GET")(plain),  # type: ignore[arg-type]
        TypeError,
        ["methods=['GET']"],
    ),
    (status_in_words, TypeError, ["'created'", "201"]),
    (misspelled, TypeError, ["takes no respons_model: did you mean response_model?"]),
    (lambda app: FastAPI(titel=""), TypeError, ["FastAPI takes no titel: did you mean title?"]),  # type: ignore[call-arg]
    (lambda app: APIRouter(perfix="/x"), TypeError, ["APIRouter takes no perfix: did you mean prefix?"]),  # type: ignore[call-arg]  # noqa: E501
    (middleware_function, TypeError, ["timed(request", '@app.middleware("http")']),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "kind", "words"), MISTAKES)
def test_a_declaration_that_cannot_work_says_what_to_write(
    declare: Callable[[FastAPI], Any], kind: type[Exception], words: list[str]
) -> None:
    with pytest.raises(kind) as raised:
        declare(FastAPI())
    for word in words:
        assert word in str(raised.value)


def test_an_option_that_resembles_nothing_is_named_and_no_more() -> None:
    with pytest.raises(TypeError, match=r"^a route takes no zzz$"):
        FastAPI().get("/", zzz=1)(plain)  # type: ignore[call-arg]


def test_a_special_object_with_a_default_may_be_asked_for_anywhere() -> None:
    app = FastAPI()

    @app.get("/")
    async def both(request: Request, ws: WebSocket = None) -> bool:  # type: ignore[assignment]
        return ws is None

    assert TestClient(app).get("/").json() is True


def test_a_decorated_function_may_be_a_dependency() -> None:
    def twice(call: Callable[[], int]) -> Callable[[], int]:
        import functools

        @functools.wraps(call)
        def doubled() -> int:
            return 2 * call()

        return doubled

    @twice
    def one() -> int:
        return 1

    app = FastAPI()

    @app.get("/")
    def two(value: int = Depends(one)) -> int:
        return value

    assert TestClient(app).get("/").json() == 2


def test_middleware_may_be_a_function_of_an_application() -> None:
    def marking(app: Any, mark: bytes) -> Any:
        async def marked(scope: Any, receive: Any, send: Any) -> None:
            async def sent(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"x-mark", mark)]
                await send(message)

            await app(scope, receive, sent)

        return marked

    app = FastAPI()
    app.add_middleware(marking, mark=b"seen")
    app.get("/")(plain)
    assert TestClient(app).get("/").headers["x-mark"] == "seen"


# Nothing is said of what these return: so it goes through jsonable_encoder.
async def forgotten():  # type: ignore[no-untyped-def]
    PENDING.append(load())
    return PENDING[0]


def unwritable():  # type: ignore[no-untyped-def]
    return {"a": Slotted()}


def swapped() -> Any:
    raise HTTPException("nothing here")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (forgotten, "`return await load(...)`"),
        (unwritable, "test_mistakes.Slotted was returned, of which JSON can't be made"),
        (swapped, "the status comes first, as in HTTPException(404, 'nothing here')"),
    ],
)
def test_a_traceback_ends_with_what_to_write(endpoint: Callable[[], Any], words: str) -> None:
    app = FastAPI()
    app.get("/")(endpoint)
    with pytest.raises(ValueError) as raised:
        TestClient(app).get("/")
    while PENDING:
        PENDING.pop().close()
    assert words in "".join(traceback.format_exception(raised.value))
