"""Which Flask views have typed parameters: ``def view(id, page: Annotated[int, Query()] = 1)``.

What is marked (``Annotated[..., Query()]``, ``= Depends(...)``, FastAPI's `Request`, `Response` and
`BackgroundTasks`) is filled as in a typed route (filling.py); the URL's values stay Flask's. The
view that Flask knows is a function around the one that was written: a function, any other callable,
or what `as_view` made, where every method has parameters of its own.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Annotated, Any, ForwardRef, get_args, get_origin

from carboy.app.filling import Filling
from carboy.fastapi.dependencies.declared import _special_classes
from carboy.fastapi.depends import Depends
from carboy.fastapi.params import Body, Param
from carboy.flask.views import MethodView, http_method_funcs

if TYPE_CHECKING:
    from carboy.app.application import App

_MARKS = (Param, Body, Depends)
_MARKED = re.compile(r"\b(Query|Path|Header|Cookie|Body|Form|File|Depends|Security)\(")
#: Stands for all methods, in views that do not tell them apart.
_ANY = ""


class TypedViews:
    """The views of one application that have typed parameters."""

    def __init__(self, owner: App) -> None:
        self._owner = owner
        #: id of a view -> it, and what Flask knows in its place.
        self._known: dict[int, tuple[Callable[..., Any], Callable[..., Any]]] = {}

    def of(self, view: Callable[..., Any], names: set[str]) -> Callable[..., Any]:
        """`view`, or where it has typed parameters the function that fills them.

        `names` are what the URL gives it, by the rule that is added.
        """
        if (filled := getattr(view, "carboy_typed", None)) is not None:
            filled.prepare(names)
            return view
        known = self._known.get(id(view))
        if known is None:
            made = self._made(view) if callable(view) else view
            known = self._known[id(view)] = view, made
            if made is not view:
                self._known[id(made)] = made, made
        if (filled := getattr(known[1], "carboy_typed", None)) is not None:
            filled.prepare(names)
        return known[1]

    def _made(self, view: Callable[..., Any]) -> Callable[..., Any]:
        functions = dict(_functions(view))
        if not any(_marked(one) for one in functions.values()):
            return view
        filled = Filled(self._owner, view, functions)
        function: Any
        if inspect.iscoroutinefunction(view):

            async def function(**values: Any) -> Any:
                return await filled.call_async(values)

        else:

            def function(**values: Any) -> Any:
                return filled.call(values)

        update_wrapper(function, view)
        function.carboy_typed = filled
        made: Callable[..., Any] = function
        return made


class Filled:
    """One view with its typed parameters, which may differ by method and by what the URL gives."""

    def __init__(
        self, owner: App, view: Callable[..., Any], functions: dict[str, Callable[..., Any]]
    ) -> None:
        self._owner = owner
        self._view = view
        self._functions = functions
        self._fillings: dict[tuple[str, ...], Filling | None] = {}

    def prepare(self, names: set[str]) -> None:
        """Have mistakes reported where the view is declared."""
        for method in self._functions:
            self._filling(method, names)

    def collector(self, method: str) -> Callable[..., Any] | None:
        """A function with nothing but the typed parameters for `method`, for the document."""
        which = method.lower() if method.lower() in self._functions else _ANY
        made = (one for key, one in self._fillings.items() if key[0] == which)
        first = next((one for one in made if one is not None), None)
        return None if first is None else first.collector

    def _filling(self, method: str, names: set[str]) -> Filling | None:
        key = (method, *sorted(names))
        if key not in self._fillings:
            function = self._functions.get(method)
            marked = [] if function is None else _marked(function, names)
            self._fillings[key] = (
                Filling(self._owner, self._view, marked, sorted(names)) if marked else None
            )
        return self._fillings[key]

    def _found(self, values: dict[str, Any]) -> Filling | None:
        if _ANY in self._functions:
            return self._filling(_ANY, set(values))
        from carboy.flask.globals import request_ctx

        method = request_ctx.request.method.lower()
        if method == "head" and "head" not in self._functions:
            method = "get"
        return self._filling(method, set(values))

    def call(self, values: dict[str, Any]) -> Any:
        """The view's result."""
        filling = self._found(values)
        return self._view(**values) if filling is None else filling.call(values)

    async def call_async(self, values: dict[str, Any]) -> Any:
        """The same for an `async def` view."""
        filling = self._found(values)
        if filling is None:
            return await self._view(**values)
        return await filling.call_async(values)


def _functions(view: Callable[..., Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Method -> what has the parameters; for most views it is one for all methods."""
    kind = getattr(view, "view_class", None)
    if kind is None:
        yield _ANY, view
    elif not issubclass(kind, MethodView) or kind.dispatch_request is not (
        MethodView.dispatch_request
    ):
        yield _ANY, _bound(kind, "dispatch_request")
    else:
        for name in sorted(http_method_funcs):
            if hasattr(kind, name):
                yield name, _bound(kind, name)


def _bound(kind: Any, name: str) -> Callable[..., Any]:
    """The method of a class, less the `self` that it will be called with."""
    function = getattr(kind, name)
    if isinstance(inspect.getattr_static(kind, name), staticmethod | classmethod):
        return function  # type: ignore[no-any-return]
    return partial(function, None)


def _marked(
    view: Callable[..., Any], names: set[str] | frozenset[str] = frozenset()
) -> list[inspect.Parameter]:
    """The parameters that are marked; their annotations are evaluated."""
    from carboy.fastapi.dependencies.signatures import get_typed_signature

    try:
        parameters = inspect.signature(view).parameters.values()
    except (TypeError, ValueError):
        return []
    if all(p.annotation is p.empty and p.default is p.empty for p in parameters):
        return []
    found = get_typed_signature(view).parameters.values()
    return [one for one in found if one.name not in names and _is_marked(one)]


def _is_marked(parameter: inspect.Parameter) -> bool:
    if isinstance(parameter.default, _MARKS):
        return True
    annotation = parameter.annotation
    if isinstance(annotation, ForwardRef) and _MARKED.search(annotation.__forward_arg__):
        raise TypeError(
            f"can't read the annotation of {parameter.name!r}, {annotation.__forward_arg__!r}: "
            "with `from __future__ import annotations` its names have to be those of the module"
        )
    if inspect.isclass(annotation) and issubclass(annotation, _special_classes()):
        return parameter.default is parameter.empty
    if get_origin(annotation) is not Annotated:
        return False
    return any(isinstance(one, _MARKS) for one in get_args(annotation)[1:])
