"""What a person says of a Flask view with the `documented` decorator, and where it is found again.

It is kept on the function, so that it does not matter whether it stands above or below
``@app.route`` and other decorators, nor whether they keep `__dict__` (functools.wraps).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any, TypeVar

V = TypeVar("V", bound=Callable[..., Any])
_KEPT = "__carboy_documented__"


@dataclass(frozen=True)
class Said:
    """The arguments of one `documented`. None: nothing was said, what is inferred stays."""

    summary: str | None = None
    description: str | None = None
    tags: Sequence[str] | None = None
    parameters: Sequence[Mapping[str, Any]] = ()
    query: Any = None
    body: Any = None
    body_type: str = "application/json"
    responses: Mapping[int, Any] = field(default_factory=dict)
    operation_id: str | None = None
    deprecated: bool | None = None
    hide: bool = False
    methods: frozenset[str] | None = None


def documented(
    *,
    summary: str | None = None,
    description: str | None = None,
    tags: Sequence[str] | None = None,
    parameters: Sequence[Mapping[str, Any]] = (),
    query: Any = None,
    body: Any = None,
    body_type: str = "application/json",
    responses: Mapping[int, Any] | None = None,
    operation_id: str | None = None,
    deprecated: bool | None = None,
    hide: bool = False,
    include_in_schema: bool = True,
    methods: Sequence[str] | None = None,
) -> Callable[[V], V]:
    """Complete or correct what the OpenAPI document says of a Flask view, or hide it.

        @app.post("/books")
        @documented(body=NewBook, responses={201: Book, 409: "there is such a book"})
        def add(): ...

    `body` is a pydantic model or any other type; `query` a model whose fields are query parameters.
    `responses` by status: a type, a description, ``(type, description)``, or OpenAPI's Response
    Object; other statuses stay as inferred. `parameters` are OpenAPI's Parameter Objects, whose
    "schema" may be a type; one of the same place and name is replaced. `hide` (or
    ``include_in_schema=False``) leaves the view out. `methods` says which of the view's methods are
    meant. May be said several times; the outermost wins. Works on view functions, on classes of
    views and on their methods. Requests are not checked against it.
    """
    if not isinstance(include_in_schema, bool) or not isinstance(hide, bool):
        raise TypeError("hide and include_in_schema are True or False")
    if isinstance(tags, str) or isinstance(methods, str):
        raise TypeError('tags and methods are lists: tags=["books"], methods=["POST"]')
    said = Said(
        summary=summary,
        description=description,
        tags=tags,
        parameters=parameters,
        query=query,
        body=body,
        body_type=body_type,
        responses=responses or {},
        operation_id=operation_id,
        deprecated=deprecated,
        hide=hide or not include_in_schema,
        methods=None if methods is None else frozenset(one.upper() for one in methods),
    )

    def mark(view: V) -> V:
        if not callable(view):
            raise TypeError(f"documented(...) decorates a view or a class of views, not {view!r}")
        target = view.__func__ if isinstance(view, MethodType) else view
        setattr(target, _KEPT, (*vars(target).get(_KEPT, ()), said))
        return view

    return mark


def said_of(view: Any, method: str) -> list[Said]:
    """Everything that was said of `view` for `method`, the innermost first."""
    found: dict[int, Said] = {}
    for one in reversed(list(_layers(view))):
        for said in vars(one).get(_KEPT, ()):
            found.setdefault(id(said), said)
    cls = getattr(view, "view_class", None)
    if cls is not None:
        for layer in (
            *reversed(cls.__mro__),
            *_reversed_layers(getattr(cls, method.lower(), None)),
        ):
            for said in vars(layer).get(_KEPT, ()):
                found.setdefault(id(said), said)
    return [one for one in found.values() if one.methods is None or method in one.methods]


def _reversed_layers(function: Any) -> list[Any]:
    return list(reversed(list(_layers(function))))


def _layers(view: Any) -> Iterator[Any]:
    """The function and those it stands around, from outside."""
    seen: set[int] = set()
    waiting = [view]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, functools.partial):
            waiting.append(one.func)
            continue
        if isinstance(one, MethodType):
            one = one.__func__
        if id(one) in seen or not hasattr(one, "__dict__"):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, FunctionType):
            inner = one.__dict__.get("__wrapped__")
            # A decorator without functools.wraps holds the view in its closure only.
            waiting += [inner] if inner is not None else _enclosed(one)


def _enclosed(function: FunctionType) -> list[Any]:
    found = []
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # a name that is not bound yet
            continue
        if isinstance(value, FunctionType):
            found.append(value)
    return found
