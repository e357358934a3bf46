"""Bodies as FastAPI reads them: JSON where the media type says so, a form, else bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any

from carboy.core.closing import Opened
from carboy.core.context import RequestContext
from carboy.core.decode import UNSET, Undecoded, load_json
from carboy.core.route import Input
from carboy.core.signature import Errors
from carboy.fastapi.dress import make_request
from carboy.fastapi.scopes import form_limits

if TYPE_CHECKING:
    from carboy.fastapi.route_state import RouteState


def body_loader(strict: bool) -> Callable[[RequestContext], Any]:
    """A function from the request to its body's value; `strict` wants a JSON media type (A1)."""

    def load_body(request: RequestContext) -> Any:
        body = request.body
        if not body:
            return UNSET
        content_type = request.header(b"content-type")
        # PERF: the usual type by comparison, anything else by parsing.
        if content_type != b"application/json" and not _is_json(content_type, strict):
            return body
        try:
            return load_json(body)
        except json.JSONDecodeError as error:
            raise _malformed(request, error) from error
        except (ValueError, RecursionError) as error:
            raise _unreadable() from error

    return load_body


def decoding_input(state: RouteState, strict: bool, decode: Callable[[bytes], Any]) -> Input:
    """What reads the body with its parameter's own decoder, from bytes to the value at once.

    What that refuses is parsed, and so refused in the same words as any other body: what is no JSON
    first of all, what does not fit after dependencies have had their say.
    """
    load = body_loader(strict)

    def load_body(request: RequestContext) -> Any:
        body = request.body
        if not body:
            return UNSET
        content_type = request.header(b"content-type")
        if content_type == b"application/json" or _is_json(content_type, strict):
            try:
                return decode(body)
            except Exception:  # also what a class's own code raises: it is called again
                pass
        return Undecoded(load(request))

    def invalid(request: RequestContext, errors: Errors, body: Any) -> Exception:
        value = load(request) if body is not UNSET and body is not None else body
        return invalid_request(state, request, errors, value)

    return Input(load_body, invalid, decodes=True)


def form_loader(limits: Mapping[str, Any]) -> Callable[[RequestContext], Any]:
    """A function that reads the request's form, which is closed when the request is."""

    async def load_form(request: RequestContext) -> Any:
        from starlette.exceptions import HTTPException

        try:
            dressed = make_request(request)
            form = await dressed.form(**form_limits(dressed.scope, limits))
        except HTTPException:
            raise
        except Exception as error:
            raise _unreadable() from error
        steps = _closing(form)
        await anext(steps)
        # Outermost: files stay open for background tasks and for dependencies' ends.
        request.opened = [Opened(steps, True, False), *(request.opened or ())]
        return form

    return load_form


async def _closing(form: Any) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await form.close()


def _is_json(content_type: bytes | None, strict: bool) -> bool:
    if content_type is None:
        return not strict
    kind = content_type.decode("latin-1").partition(";")[0].strip().lower()
    main, _, sub = kind.partition("/")
    return main == "application" and (sub == "json" or sub.endswith("+json"))


def _unreadable() -> Exception:
    from starlette.exceptions import HTTPException

    return HTTPException(400, "There was an error parsing the body")


def _malformed(request: RequestContext, error: json.JSONDecodeError) -> Exception:
    detail = {
        "type": "json_invalid",
        "loc": ("body", error.pos),
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": error.msg},
    }
    return invalid_request(request.target.route.extras["route"], request, [detail], error.doc)


def invalid_request(
    state: RouteState, request: RequestContext, errors: Errors, body: Any
) -> Exception:
    """The exception for input that does not fit; it knows whose input it was."""
    from carboy.fastapi.exceptions import RequestValidationError

    return RequestValidationError(
        errors,
        body=None if body is UNSET else body,
        endpoint_ctx=endpoint_context(state, request),
    )


def endpoint_context(state: RouteState, request: RequestContext) -> Any:
    """Function, file, line and path of the endpoint, for messages."""
    mounted = str(request.scope.get("root_path", "")).rstrip("/")
    return {**place_of(state.endpoint), "path": f"{request.method} {mounted}{state.path_format}"}


def endpoint_place(state: RouteState) -> dict[str, Any]:
    """Function, file and line of the endpoint, and the path without what it is mounted under."""
    method = next(iter(state.methods), "*")
    return {**place_of(state.endpoint), "path": f"{method} {state.path_format}"}


def place_of(call: Any) -> dict[str, Any]:
    """Function, file and line of a callable."""
    import inspect

    context: dict[str, Any] = {}
    try:
        if (file := inspect.getsourcefile(call)) is not None:
            context["file"] = file
        context["line"] = inspect.getsourcelines(call)[1]
    except (OSError, TypeError):
        pass
    if (name := getattr(call, "__name__", None)) is not None:
        context["function"] = name
    return context
