"""The answers to exceptions that no handler of the application takes, as Starlette's responses.

For applications that call or wrap them. The engine answers the same with handlers.py, without
making responses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.status import WS_1008_POLICY_VIOLATION

from carboy.fastapi.utils import is_body_allowed_for_status_code

if TYPE_CHECKING:
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from carboy.fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError


async def http_exception_handler(request: Request, exc: HTTPException) -> Response:
    """``{"detail": ...}`` with the exception's status and headers, where a body is allowed."""
    headers = getattr(exc, "headers", None)
    if is_body_allowed_for_status_code(exc.status_code):
        content = {"detail": exc.detail, **getattr(exc, "fields", {})}
        return JSONResponse(content, exc.status_code, headers)
    return Response(status_code=exc.status_code, headers=headers)


async def request_validation_exception_handler(
    request: Request, exc: RequestValidationError
) -> JSONResponse:
    """422 with every error."""
    from carboy.fastapi.encoders import jsonable_encoder

    return JSONResponse({"detail": jsonable_encoder(exc.errors())}, 422)


async def websocket_request_validation_exception_handler(
    websocket: WebSocket, exc: WebSocketRequestValidationError
) -> None:
    """Closes with "policy violation" and every error as the reason."""
    from carboy.fastapi.encoders import jsonable_encoder

    await websocket.close(WS_1008_POLICY_VIOLATION, reason=jsonable_encoder(exc.errors()))


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
