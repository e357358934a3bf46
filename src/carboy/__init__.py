"""Carboy: Flask code and FastAPI code on one fast engine.

    from carboy import App

Names load when they are asked for; importing `carboy` loads nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from carboy.app import App as App
    from carboy.app.inferred.said import documented as documented
    from carboy.fastapi import APIRouter as APIRouter
    from carboy.fastapi import BackgroundTasks as BackgroundTasks
    from carboy.fastapi import Body as Body
    from carboy.fastapi import Cookie as Cookie
    from carboy.fastapi import Depends as Depends
    from carboy.fastapi import Header as Header
    from carboy.fastapi import HTTPException as HTTPException
    from carboy.fastapi import Path as Path
    from carboy.fastapi import Query as Query
    from carboy.fastapi import Request as Request
    from carboy.fastapi import Response as Response
    from carboy.fastapi.problems import Problem as Problem
    from carboy.fastapi.problems import raises as raises
    from carboy.fastapi.views import view as view


#: What goes beyond FastAPI's names, and where it is.
_OWN = {"Problem": "problems", "raises": "problems", "view": "views"}


def __getattr__(name: str) -> Any:
    if name == "App":
        from carboy.app import App

        globals()["App"] = App
        return App
    if name == "documented":
        return importlib.import_module("carboy.app.inferred.said").documented
    if name in _OWN:
        return getattr(importlib.import_module(f"carboy.fastapi.{_OWN[name]}"), name)
    # Not `from carboy import`: that would ask here again.
    fastapi = importlib.import_module("carboy.fastapi")

    if name in fastapi.NAMES and name != "FastAPI":
        return getattr(fastapi, name)
    raise AttributeError(f"module 'carboy' has no attribute {name!r}")
