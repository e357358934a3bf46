"""From a function that is loaded to its place in a file.

Decorators that keep `__wrapped__` are seen through; partials, bound methods and callable objects
too. SAFETY: nothing is called, not even a property of the object.
"""

from __future__ import annotations

import functools
import inspect
from types import CodeType, FunctionType, MethodType
from typing import Any

from carboy.sources.facts import View
from carboy.sources.modules import module_of
from carboy.sources.reading import read


def read_function(function: Any) -> View:
    """What the source of `function` says; `known=False` with the reason where there is none."""
    inner = innermost(function)
    name = str(getattr(inner, "__name__", type(function).__name__))
    if not isinstance(inner, FunctionType):
        return View(name, known=False, why="it is no Python function")
    code: CodeType = inner.__code__
    file, line = code.co_filename, code.co_firstlineno
    if code.co_name == "<lambda>":
        return View(name, file, line, known=False, why="it is a lambda")
    module = module_of(file)
    if module is None:
        return View(name, file, line, known=False, why=f"there is no source in {file}")
    place = module.places.get((code.co_name, line))
    if place is None:
        return View(name, file, line, known=False, why=f"{file}:{line} says something else now")
    try:
        return read(module, place)
    except RecursionError:
        # Hundreds of operands, or calls on calls: no reason for a document to fail.
        return View(name, file, line, known=False, why=f"{file}:{line} is nested too deeply")


def innermost(function: Any) -> Any:
    """What a view really is, behind decorators, partials and methods."""
    seen: set[int] = set()
    while id(function) not in seen:
        seen.add(id(function))
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        elif isinstance(function, FunctionType):
            function = function.__dict__.get("__wrapped__", function)
        elif inspect.isclass(function) or inspect.isbuiltin(function):
            break
        else:
            call = inspect.getattr_static(type(function), "__call__", None)
            function = call if isinstance(call, FunctionType) else function
    return function
