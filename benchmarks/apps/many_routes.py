"""Builds an application of 1,000 routes for FastAPI and Carboy alike.

Both have the same decorators, so one ``register`` serves both. Creating the
pydantic classes is a step of its own: ``startup.py`` leaves it out of the time it
measures, because it is pydantic's work and equal for both.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, create_model

COUNT = 1000

Handler = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


class Routable(Protocol):
    """What FastAPI's and Carboy's application have in common here."""

    def post(self, path: str) -> Callable[[Handler], Any]:
        """Return the decorator that adds a POST route."""


def make_models(count: int = COUNT) -> list[type[BaseModel]]:
    """Create one body class for each route."""
    return [
        create_model(f"Order{number}", name=(str, ...), amount=(int, ...), tags=(list[str], []))
        for number in range(count)
    ]


def register(app: Routable, models: Sequence[type[BaseModel]]) -> None:
    """Add one POST route for each model."""
    for number, model in enumerate(models):
        app.post(f"/orders/{number}")(_handler(model))


def _handler(model: type[BaseModel]) -> Handler:
    async def order(body: model, limit: int = 10) -> dict[str, Any]:  # type: ignore[valid-type]
        return {"name": body.name, "tags": body.tags, "limit": limit}  # type: ignore[attr-defined]

    return order
