"""The errors that a path operation declares, as the document shows them.

From ``raises=`` of routes and routers, from what dependencies say with `raises`, and from limits:
504 for a timeout, 503 for turns, 413 for a body's size. ``responses=`` is laid over it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from carboy.fastapi.problems import MEDIA_TYPE, Problem, declared_by, model_of, title_of
from carboy.fastapi.utils import create_model_field


class BodyTooLarge(Problem):
    """The request's body is larger than this operation takes."""

    status = 413
    title = "Content Too Large"


class TooManyRequests(Problem):
    """Too many requests have their turn or wait for one."""

    status = 503
    title = "Service Unavailable"


class AnswerTooSlow(Problem):
    """There was no answer in time."""

    status = 504
    title = "Gateway Timeout"


class Refused(NamedTuple):
    """One status: what it is called, and the field for its body's schema."""

    description: str
    field: Any
    media_type: str


def refused_by(route: Any) -> dict[str, Refused]:
    """Status -> answer of everything that `route` declares; made once."""
    known: dict[str, Refused] | None = route.__dict__.get("_refused")
    if known is None:
        as_problem = getattr(route.dependency_overrides_provider, "problem_details", None) is True
        kinds: dict[int, list[type[Problem]]] = {}
        for kind in dict.fromkeys(_kinds(route)):
            kinds.setdefault(kind.status, []).append(kind)
        known = route.__dict__["_refused"] = {
            str(status): _refused(route, status, group, as_problem)
            for status, group in sorted(kinds.items())
        }
    return known


def _kinds(route: Any) -> Iterator[type[Problem]]:
    policy = route.policy
    yield from policy.get("raises", ())
    yield from declared_by(route.dependant)
    if policy.get("max_body") is not None and route.body_field is not None:
        yield BodyTooLarge
    if policy.get("turns") is not None:
        yield TooManyRequests
    if policy.get("timeout") is not None:
        yield AnswerTooSlow


def _refused(route: Any, status: int, kinds: list[type[Problem]], as_problem: bool) -> Refused:
    whole = reduce(or_, (model_of(kind, as_problem) for kind in kinds))
    field = create_model_field(
        name=f"Refused_{status}_{route.unique_id}", type_=whole, mode="serialization"
    )
    titles = " or ".join(dict.fromkeys(title_of(kind) for kind in kinds))
    return Refused(titles, field, MEDIA_TYPE if as_problem else "application/json")
