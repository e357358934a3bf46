"""FastAPI's names on Carboy's engine. Loaded one by one, when they are asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request as Request
    from starlette.responses import Response as Response

    from carboy.fastapi.applications import FastAPI as FastAPI
    from carboy.fastapi.background import BackgroundTasks as BackgroundTasks
    from carboy.fastapi.exceptions import HTTPException as HTTPException
    from carboy.fastapi.param_functions import Body as Body
    from carboy.fastapi.param_functions import Cookie as Cookie
    from carboy.fastapi.param_functions import Depends as Depends
    from carboy.fastapi.param_functions import Header as Header
    from carboy.fastapi.param_functions import Path as Path
    from carboy.fastapi.param_functions import Query as Query
    from carboy.fastapi.param_functions import Security as Security
    from carboy.fastapi.routing import APIRouter as APIRouter

NAMES = {
    "APIRouter": "carboy.fastapi.routing",
    "BackgroundTasks": "carboy.fastapi.background",
    "Body": "carboy.fastapi.param_functions",
    "Cookie": "carboy.fastapi.param_functions",
    "Depends": "carboy.fastapi.param_functions",
    "FastAPI": "carboy.fastapi.applications",
    "HTTPException": "carboy.fastapi.exceptions",
    "Header": "carboy.fastapi.param_functions",
    "Path": "carboy.fastapi.param_functions",
    "Query": "carboy.fastapi.param_functions",
    "Request": "starlette.requests",
    "Response": "starlette.responses",
    "Security": "carboy.fastapi.param_functions",
}

__all__ = list(NAMES)


def __getattr__(name: str) -> Any:
    if name in NAMES:
        value = globals()[name] = getattr(importlib.import_module(NAMES[name]), name)
        return value
    if name == "status":
        return importlib.import_module("starlette.status")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
