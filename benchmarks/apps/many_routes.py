"""Builds applications of 1,000 routes for FastAPI and Carboy alike.

Both have the same decorators and routers, so one `register` and one `nest` serve both. Creating
the pydantic classes is a step of its own: `startup.py` leaves it out of the time it measures,
because it is pydantic's work and equal for both.
"""

from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, create_model

COUNT = 1000
DEPTH = 4

Handler = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


def make_models(count: int = COUNT) -> list[type[BaseModel]]:
    """Create one body class for each route."""
    return [
        create_model(f"Order{number}", name=(str, ...), amount=(int, ...), tags=(list[str], []))
        for number in range(count)
    ]


def register(app: Any, models: Sequence[type[BaseModel]]) -> str:
    """Add one POST route for each model; return the last one's path."""
    for number, model in enumerate(models):
        app.post(f"/orders/{number}")(_handler(model))
    return f"/orders/{len(models) - 1}"


def nest(app: Any, router_class: Callable[..., Any], models: Sequence[type[BaseModel]]) -> str:
    """Spread the routes over four routers, one within the other; return the last one's path."""
    share = len(models) // DEPTH
    routers = [router_class(prefix=f"/level{depth}", tags=[f"{depth}"]) for depth in range(DEPTH)]
    for depth, router in enumerate(routers):
        for number, model in enumerate(models[depth * share : (depth + 1) * share]):
            router.post(f"/orders/{number}")(_handler(model))
    for outer, inner in pairwise(routers):
        outer.include_router(inner)
    app.include_router(routers[0])
    return "".join(f"/level{depth}" for depth in range(DEPTH)) + f"/orders/{share - 1}"


def _handler(model: type[BaseModel]) -> Handler:
    async def order(body: model, limit: int = 10) -> dict[str, Any]:  # type: ignore[valid-type]
        return {"name": body.name, "tags": body.tags, "limit": limit}  # type: ignore[attr-defined]

    return order
