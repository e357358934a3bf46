"""Class views: a class whose methods are path operations.

Each method becomes an ordinary path operation whose `self` is a dependency: an instance made for
the request, its `__init__` and class attributes asking for whatever a dependency may ask. The
endpoint that is compiled is the method itself, with nothing around it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Annotated, Any, Unpack, get_args, get_origin, get_type_hints

from carboy.fastapi.depends import Depends
from carboy.fastapi.verbs import Endpoint, Verbs

if TYPE_CHECKING:
    from carboy.fastapi.options import RouteOptions

#: Methods that are operations by their name alone.
VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
_MARK = "__view__"


class Marks(Verbs):
    """``@view.get("/{book_id}")`` says path and options of one method of a class view.

    The path goes behind the class's; "" is the class's own.
    """

    def api_route(
        self, path: str, *, methods: list[str] | None = None, **options: Unpack[RouteOptions]
    ) -> Callable[[Endpoint], Endpoint]:
        """Any methods, GET unless `methods` says otherwise."""

        def mark(function: Endpoint) -> Endpoint:
            marks = [*getattr(function, _MARK, ()), (path, methods or ["GET"], options)]
            setattr(function, _MARK, marks)
            return function

        return mark


view = Marks()


def add_view(router: Any, path: str, cls: type[Any], shared: dict[str, Any]) -> None:
    """Declare every operation of `cls` below `path`; `shared` options hold for all of them."""
    if not inspect.isclass(cls):
        raise TypeError(f"view() decorates a class, and {cls!r} is none")
    declared = list(operations(cls))
    if not declared:
        raise TypeError(
            f"{cls.__name__} has no operation: write methods called get, post ..., or mark them "
            'with @view.get("/path")'
        )
    make = _factory(cls)
    for name, function, below, methods, own in declared:
        options = {"summary": _summary(cls, name), **shared, **own}
        options.setdefault("name", f"{cls.__name__}.{name}")
        router.add_api_route(
            path + below, _endpoint(cls, function, make), methods=methods, **options
        )


def operations(cls: type[Any]) -> Iterator[tuple[str, Any, str, list[str], dict[str, Any]]]:
    """(name, function, path below the class's, methods, options), base classes first."""
    names = {name: None for base in reversed(cls.__mro__) for name in vars(base)}
    for name in names:
        function = inspect.getattr_static(cls, name)
        marks = getattr(function, _MARK, None)
        if marks is None and name in VERBS and inspect.isfunction(function):
            marks = [("", [name.upper()], {})]
        for below, methods, options in marks or ():
            if not isinstance(function, FunctionType):
                raise TypeError(f"{cls.__name__}.{name} is no plain method: it has no self")
            yield name, function, below, methods, dict(options)


def _summary(cls: type[Any], name: str) -> str:
    words = name.replace("_", " ").title()
    return f"{words} {cls.__name__}" if name in VERBS else words


def _endpoint(cls: type[Any], function: FunctionType, make: Callable[..., Any]) -> FunctionType:
    """The method as a function whose first parameter is filled by a dependency."""
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__, copy.__module__ = function.__doc__, function.__module__
    copy.__qualname__ = f"{cls.__qualname__}.{function.__name__}"
    copy.__dict__.update(vars(function))
    signature = inspect.signature(function)
    first, *others = signature.parameters.values()
    if first.kind not in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD):
        raise TypeError(f"{copy.__qualname__} has no self")
    instance = first.replace(
        kind=first.KEYWORD_ONLY, annotation=inspect.Parameter.empty, default=Depends(make)
    )
    keywords = [one.replace(kind=one.KEYWORD_ONLY) for one in others]
    copy.__signature__ = signature.replace(parameters=[instance, *keywords])  # type: ignore[attr-defined]
    copy.__annotations__ = {k: v for k, v in function.__annotations__.items() if k != first.name}
    return copy


def _factory(cls: type[Any]) -> Callable[..., Any]:
    """A dependency whose result is an instance, with its class attributes filled."""
    attributes = dict(_attributes(cls))
    if not attributes:
        return cls
    init = [] if cls.__init__ is object.__init__ else list(_init_parameters(cls))
    fills = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=depends)
        for name, depends in attributes.items()
    ]

    def make(**values: Any) -> Any:
        instance = cls(**{one.name: values[one.name] for one in init})
        for name in attributes:
            setattr(instance, name, values[name])
        return instance

    make.__name__ = cls.__name__
    make.__signature__ = inspect.Signature([*init, *fills])  # type: ignore[attr-defined]
    return make


def _init_parameters(cls: type[Any]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(cls.__init__, include_extras=True)
    for one in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        annotation = hints.get(one.name, inspect.Parameter.empty)
        yield one.replace(kind=one.KEYWORD_ONLY, annotation=annotation)


def _attributes(cls: type[Any]) -> Iterator[tuple[str, Depends]]:
    """``session: Session = Depends(get_session)``, or the same in an Annotated."""
    hints = get_type_hints(cls, include_extras=True)
    for name in {**hints, **{n: None for base in reversed(cls.__mro__) for n in vars(base)}}:
        value = inspect.getattr_static(cls, name, None)
        hint = hints.get(name)
        if isinstance(value, Depends):
            yield name, value
        elif get_origin(hint) is Annotated:
            found = [one for one in get_args(hint)[1:] if isinstance(one, Depends)]
            if found:
                yield name, found[-1]
