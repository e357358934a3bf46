"""FastAPI's names on Carboy's engine. Loaded one by one, when they are asked for."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette import status as status

    from carboy.fastapi.applications import FastAPI as FastAPI
    from carboy.fastapi.background import BackgroundTasks as BackgroundTasks
    from carboy.fastapi.datastructures import UploadFile as UploadFile
    from carboy.fastapi.exceptions import HTTPException as HTTPException
    from carboy.fastapi.exceptions import WebSocketException as WebSocketException
    from carboy.fastapi.param_functions import Body as Body
    from carboy.fastapi.param_functions import Cookie as Cookie
    from carboy.fastapi.param_functions import Depends as Depends
    from carboy.fastapi.param_functions import File as File
    from carboy.fastapi.param_functions import Form as Form
    from carboy.fastapi.param_functions import Header as Header
    from carboy.fastapi.param_functions import Path as Path
    from carboy.fastapi.param_functions import Query as Query
    from carboy.fastapi.param_functions import Security as Security
    from carboy.fastapi.requests import Request as Request
    from carboy.fastapi.responses import Response as Response
    from carboy.fastapi.router import APIRouter as APIRouter
    from carboy.fastapi.websockets import WebSocket as WebSocket
    from carboy.fastapi.websockets import WebSocketDisconnect as WebSocketDisconnect

#: The version of FastAPI whose API this is.
__version__ = "0.165.0"

_MODULES = {
    "applications": "FastAPI",
    "background": "BackgroundTasks",
    "datastructures": "UploadFile",
    "exceptions": "HTTPException WebSocketException",
    "param_functions": "Body Cookie Depends File Form Header Path Query Security",
    "requests": "Request",
    "responses": "Response",
    "router": "APIRouter",
    "websockets": "WebSocket WebSocketDisconnect",
}
NAMES = {
    name: f"carboy.fastapi.{module}" for module, names in _MODULES.items() for name in names.split()
}
#: COMPAT: modules that upstream has loaded with its package: code uses ``fastapi.routing`` after
#: ``import fastapi`` alone.
_LOADED = (
    "applications background concurrency datastructures dependencies encoders exception_handlers "
    "exceptions logger middleware openapi param_functions params requests responses routing "
    "security sse telemetry types utils websockets"
)

__all__ = [*NAMES, "status"]


def __getattr__(name: str) -> Any:
    if name in NAMES:
        value = getattr(importlib.import_module(NAMES[name]), name)
    elif name == "status":
        value = importlib.import_module("starlette.status")
    elif name in _LOADED.split():
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    setattr(sys.modules[__name__], name, value)
    return value
