"""What code may take from FastAPI's modules can be taken from Carboy's, and is the same."""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from types import ModuleType

import fastapi
import pytest

#: Modules that are private as a whole, and those that run a command.
LEFT_OUT = ("_compat", "_form_limits", "_body_limit", "telemetry._", "cli", "__main__")
#: Names that mean nothing outside of their module: a ParamSpec, try-imports.
UNUSED = {("background", "P"), ("encoders", "PyExtraColor"), ("responses", "ujson"),
          ("responses", "orjson"), ("dependencies.utils", "is_typealiastype")}  # fmt: skip
#: Homes whose objects have to be the very same.
SHARED = ("starlette", "pydantic", "anyio")


def _modules() -> list[str]:
    names = (one.name for one in pkgutil.walk_packages(fastapi.__path__, "fastapi."))
    below = (name.removeprefix("fastapi.") for name in names)
    return [name for name in below if not name.startswith(LEFT_OUT)]


@pytest.mark.parametrize("name", _modules())
def test_every_public_name_is_there(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = importlib.import_module(f"fastapi.{name}")
        except ImportError as error:
            pytest.skip(f"needs {error.name}")
        ours = importlib.import_module(f"carboy.fastapi.{name}")
    missing = []
    for public, value in vars(theirs).items():
        home = getattr(value, "__module__", None)
        home = home if isinstance(home, str) else ""
        if public.startswith("_") or isinstance(value, ModuleType) or (name, public) in UNUSED:
            continue
        if home and not home.startswith(("fastapi", *SHARED)):
            continue  # the standard library's
        if not hasattr(ours, public):
            missing.append(public)
        elif home.startswith(SHARED) and not isinstance(value, dict | str | tuple):
            assert getattr(ours, public) is value or home.startswith("pydantic"), public
    assert missing == []
