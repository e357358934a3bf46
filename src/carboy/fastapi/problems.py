"""Errors as classes: what they say, how they are written into OpenAPI, and RFC 9457.

A `Problem` is an HTTPException whose status, title and fields belong to its class. ``raises=`` and
`raises` say who may raise which; `responses_of` is what the document says of it. By default answers
have FastAPI's shape, ``{"detail": ...}``; where problem details are wanted, RFC 9457's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from inspect import get_annotations
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_type_hints

from carboy.fastapi.exceptions import HTTPException

if TYPE_CHECKING:
    from pydantic import BaseModel

    from carboy.fastapi.dependencies.models import Dependant

F = TypeVar("F", bound=Callable[..., Any])

MEDIA_TYPE = "application/problem+json"


class Problem(HTTPException):
    """One kind of error. Subclass it; annotations are fields of the answer.

        class OutOfStock(Problem):
            status = 409
            title = "Out of stock"
            left: int

        raise OutOfStock("There are only two", left=2)

    answers 409 with ``{"detail": "There are only two", "left": 2}``. `type` is the URI of RFC 9457
    that names the kind. TypeError for fields that are missing or unknown.
    """

    status: ClassVar[int] = 400
    title: ClassVar[str] = ""
    type: ClassVar[str] = "about:blank"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if isinstance(cls.status, bool) or not isinstance(cls.status, int):
            raise TypeError(f"{cls.__name__}.status is an HTTP status, not {cls.status!r}")
        if not 400 <= cls.status <= 599:
            raise ValueError(f"{cls.__name__}.status is that of an error, 400 to 599")
        for name in ("detail", "instance"):
            if name in get_annotations(cls):
                raise TypeError(f"{cls.__name__}: {name!r} is what every problem has already")

    def __init__(
        self, detail: Any = None, *, headers: dict[str, str] | None = None, **fields: Any
    ) -> None:
        wanted = fields_of(type(self))
        if unknown := fields.keys() - wanted.keys():
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        for name in wanted.keys() - fields.keys():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs {name}=")
            fields[name] = getattr(type(self), name)
        super().__init__(self.status, detail or title_of(type(self)), headers)
        self.fields = {name: fields[name] for name in wanted}


def title_of(kind: type[Problem]) -> str:
    """What the kind is called: its title, or what HTTP calls its status."""
    return kind.title or HTTPStatus(kind.status).phrase


def fields_of(kind: type[Problem]) -> dict[str, Any]:
    """Annotations by name, those of base classes first."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: hint for name, hint in hints.items() if name not in _NOT_FIELDS}


_NOT_FIELDS = {"status", "title", "type", "status_code", "detail", "headers", "fields", "args"}


def raises(*kinds: type[Problem]) -> Callable[[F], F]:
    """Says of a dependency or an endpoint what it may raise, for the OpenAPI document.

    Every operation that depends on it, however far off, shows these answers.
    """
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Problem)) or kind is Problem:
            raise TypeError(f"raises() takes subclasses of Problem, not {kind!r}")

    def mark(function: F) -> F:
        function.__raises__ = (*getattr(function, "__raises__", ()), *kinds)  # type: ignore[attr-defined]
        return function

    return mark


def declared_by(dependant: Dependant) -> Iterator[type[Problem]]:
    """What a callable and all that it depends on may raise."""
    for sub in dependant.dependencies:
        yield from declared_by(sub)
    yield from getattr(dependant.call, "__raises__", ())


def model_of(kind: type[Problem], as_problem: bool) -> type[BaseModel]:
    """The answer's body as a pydantic model; the same one for the same question."""
    known = kind.__dict__.get(_MODELS[as_problem])
    if known is None:
        from pydantic import create_model

        fields: dict[str, Any] = {"detail": (str, ...)}
        if as_problem:
            fields = {"type": (str, kind.type), "title": (str, title_of(kind))}
            fields |= {"status": (int, kind.status), "detail": (str, ...), "instance": (str, ...)}
        for name, hint in fields_of(kind).items():
            fields[name] = (hint, ...)
        known = create_model(
            kind.__name__, __doc__=kind.__doc__, __module__=kind.__module__, **fields
        )
        setattr(kind, _MODELS[as_problem], known)
    return known  # type: ignore[no-any-return]


_MODELS = {False: "_answer_model", True: "_problem_model"}


def content(error: HTTPException) -> dict[str, Any]:
    """The body of an answer in FastAPI's shape."""
    fields = error.fields if isinstance(error, Problem) else {}
    return {"detail": error.detail, **fields}


def details(error: HTTPException, instance: str) -> dict[str, Any]:
    """The body of an answer in RFC 9457's shape; `instance` is the path that was asked for."""
    kind = type(error)
    if issubclass(kind, Problem):
        about = {"type": kind.type, "title": title_of(kind)}
    else:
        about = {"type": "about:blank", "title": phrase_of(error.status_code)}
    fields = error.fields if isinstance(error, Problem) else {}
    detail = error.detail
    if not isinstance(detail, str):
        detail, fields = about["title"], {"errors": detail, **fields}
    return {**about, "status": error.status_code, "detail": detail, "instance": instance, **fields}


def phrase_of(status: int) -> str:
    """What HTTP calls a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
