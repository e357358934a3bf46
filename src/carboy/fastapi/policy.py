"""What is said of operations beyond FastAPI's options: limits, errors, and what stands around them.

The same keyword arguments at an application, a router, an inclusion and a route. `take` checks them
and takes them out of a call's options; ``outer + inner`` is what holds inside of both. What is not
said is not in a Policy, so that most share the empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carboy.fastapi.options import PolicyOptions


class Policy(dict[str, Any]):
    """Options by name, as `CHECKS` leaves them. Never changed once made."""

    def __add__(self, inner: Policy) -> Policy:
        """What holds inside: lists and tables grow inwards, of everything else the inner counts."""
        if not self or not inner:
            return inner or self
        whole = Policy({**self, **inner})
        for name in _GROWING & self.keys() & inner.keys():
            outer, own = self[name], inner[name]
            whole[name] = {**outer, **own} if isinstance(outer, dict) else (*outer, *own)
        if _SIZES[0] in whole and _SIZES[1] in whole:
            del whole[_SIZES[0] if _SIZES[1] in inner else _SIZES[1]]
        return whole


NOTHING = Policy()
#: The limit of a body in our words and in FastAPI's: the nearer counts, whichever it is.
_SIZES = "max_body", "max_body_size"
_GROWING = {"plugins", "middleware", "exception_handlers", "raises"}


def take(options: Any) -> Policy:
    """The Policy in a call's keyword arguments, which are left with the others."""
    size = options.get("max_body_size") if options else None
    if not options or (size is None and CHECKS.keys().isdisjoint(options)):
        return NOTHING
    said = {name: CHECKS[name](name, options.pop(name)) for name in CHECKS if name in options}
    if size is not None:
        if "max_body" in said:
            raise ValueError("max_body and max_body_size are the same limit: say one of them")
        said["max_body_size"] = size
    if "limit" in said or "queue" in said:
        limit, queue = said.pop("limit", None), said.pop("queue", None)
        if limit is None and queue is not None:
            raise ValueError("queue= says how many may wait for a turn: say limit= beside it")
        said["turns"] = _turns(limit, queue or 0)
    return Policy(said)


def only(options: PolicyOptions, whose: str | type, max_body_size: int | None = None) -> Policy:
    """The Policy in `options`, where nothing else may be, and FastAPI's limit beside them.

    `whose` says who takes no more: the class that is being made, or a name.
    """
    given: dict[str, Any] = {**options, "max_body_size": max_body_size}
    policy = take(given)
    del given["max_body_size"]
    if given:
        from carboy.fastapi.mistakes import unknown_options

        raise unknown_options(whose, given, CHECKS)
    return policy


def _turns(limit: int | None, queue: int) -> Any:
    if limit is None:
        return None
    from carboy.server.turns import Turns

    return Turns(limit, queue)


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"{name} is a positive number of seconds, or None for none: {value!r}")
    return float(value)


def _count(least: int, unit: str) -> Callable[[str, Any], int | None]:
    def check(name: str, value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(
                f"{name} is a number of {unit}, {least} or more, or None for none: {value!r}"
            )
        return value

    return check


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is True or False: {value!r}")
    return value


def _each(what: str, fits: Callable[[Any], bool]) -> Callable[[str, Any], tuple[Any, ...]]:
    def check(name: str, value: Any) -> tuple[Any, ...]:
        if value is None:
            return ()
        if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
            raise TypeError(f"{name} is a list of {what}: {value!r}")
        found = tuple(value)
        for one in found:
            if not fits(one):
                raise TypeError(f"{name} is a list of {what}, which {one!r} is not")
        return found

    return check


def _handlers(name: str, value: Any) -> dict[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is a dict from a status or an exception type to a handler")
    for key, handler in value.items():
        is_type = isinstance(key, type) and issubclass(key, Exception)
        if isinstance(key, bool) or not (is_type or isinstance(key, int)):
            raise TypeError(f"{name}: {key!r} is no status and no exception type")
        if not callable(handler):
            raise TypeError(f"{name}: the handler for {key!r} is not callable")
    return dict(value)


def _is_middleware(one: Any) -> bool:
    return callable(getattr(one, "cls", None)) and hasattr(one, "kwargs")


def _is_problem(one: Any) -> bool:
    from carboy.fastapi.problems import Problem

    return isinstance(one, type) and issubclass(one, Problem) and one is not Problem


#: Option -> what checks a value and brings it into form.
CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "timeout": _number,
    "limit": _count(1, "requests"),
    "queue": _count(0, "requests"),
    "max_body": _count(0, "bytes"),
    "cancel_on_disconnect": _flag,
    "error_pages": _flag,
    "plugins": _each("plugins (objects with an `around`)", lambda one: hasattr(one, "around")),
    "middleware": _each("starlette.middleware.Middleware", _is_middleware),
    "exception_handlers": _handlers,
    "raises": _each("Problem classes", _is_problem),
}
