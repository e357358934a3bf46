"""The performance goals of the project and what this run saw of them.

A goal compares two medians. It is met, missed, or not measured when one of its two
sides has no number; it never counts as met by default.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from .session import Result

Measured = dict[str, Result]
Startup = dict[str, Any]

FLASK = {
    "flask-template": "Flask: a page from a template",
    "flask-session": "Flask: session read and written",
    "flask-post": "Flask: JSON POST",
    "flask-blueprints": "Flask: ten blueprints with hooks",
}
RIVALS = ("falcon", "blacksheep", "sanic", "robyn", "litestar", "starlette")


@dataclass(frozen=True)
class Goal:
    """One goal with what was seen; ``seen`` is None when it was not measured.

    ``cpu`` is the same comparison by CPU time for each request. It judges nothing, but
    it is steadier on a machine that others use at the same time.
    """

    text: str
    bound: float
    at_least: bool
    seen: float | None
    cpu: float | None = None

    @property
    def wanted(self) -> str:
        """The bound as text."""
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}x"

    @property
    def verdict(self) -> str:
        """Met, missed or not measured."""
        if self.seen is None:
            return "not measured"
        met = self.seen >= self.bound if self.at_least else self.seen <= self.bound
        return "met" if met else "missed"


def ratios(results: Measured, over: str, under: str) -> tuple[float | None, float | None]:
    """Return how much faster one entry is, by median throughput and by CPU time."""
    top, bottom = results.get(over), results.get(under)
    if top is None or bottom is None or not (top.measured and bottom.measured):
        return None, None
    spent = top.middle("cpu_us_per_request")
    cpu = bottom.middle("cpu_us_per_request") / spent if spent else None
    return top.per_second / bottom.per_second, cpu


def all_goals(results: Measured, startup: Startup) -> list[Goal]:
    """Judge every goal."""
    return [*_throughput(results), *_startup(results, startup)]


def _throughput(results: Measured) -> list[Goal]:
    def goal(text: str, bound: float, over: str, under: str) -> Goal:
        return Goal(text, bound, True, *ratios(results, over, under))

    carboy = "hello/carboy"
    rivals = [
        goal(f"hello, async: ahead of {name}", 1.0, carboy, f"hello/{name}") for name in RIVALS
    ]
    return [
        goal("hello, async: FastAPI + uvicorn, async", 6.0, carboy, "hello/fastapi"),
        goal("hello, async: Flask + gunicorn sync", 15.0, carboy, "hello/flask-gunicorn"),
        *rivals,
        goal("hello, def: FastAPI + uvicorn, def", 5.0, "hello/carboy-def", "hello/fastapi-def"),
        goal("POST model: FastAPI + uvicorn", 4.0, "post/carboy", "post/fastapi"),
        goal(
            "hello under plain uvicorn: FastAPI + uvicorn, async",
            2.5, "hello/carboy-uvicorn", "hello/fastapi",
        ),
        goal("FastAPI's source under carboy run --drop-in", 5.0, "hello/drop-in", "hello/fastapi"),
        goal("five nested dependencies", 4.0, "dependencies/carboy", "dependencies/fastapi"),
        goal("100 instances of the declared model", 2.0, "page/carboy", "page/fastapi"),
        goal(
            "Flask's sample, unchanged: Flask + gunicorn sync",
            5.0, "flask-hello/carboy", "flask-hello/flask-gunicorn",
        ),
        goal(
            "Flask's sample, unchanged: Flask + granian",
            2.5, "flask-hello/carboy", "flask-hello/flask-granian",
        ),
        *[
            goal(f"{text}: Flask + granian", 2.0, f"{name}/carboy", f"{name}/flask-granian")
            for name, text in FLASK.items()
        ],
    ]  # fmt: skip


def _startup(results: Measured, startup: Startup) -> list[Goal]:
    flat, nested = (partial(startup_ratio, startup, shape) for shape in ("flat", "nested"))
    first_last = ratios(results, "routes-1000/carboy", "routes-1000/carboy-last")
    return [
        Goal(
            "1,000 routes: build and freeze against FastAPI's build",
            1.0, False, flat("seconds"),
        ),
        Goal("1,000 routes: openapi()", 0.5, False, flat("openapi_seconds")),
        Goal(
            "1,000 routes over four nested routers: until the last has answered",
            0.5, False, nested("answered_seconds"),
        ),
        Goal("1,000 routes over four nested routers: memory", 0.5, False, nested("added_mib")),
        Goal(
            "100 instances: time above pydantic's own, in units of 20 us",
            1.0, False, _above_pydantic(startup),
        ),
        Goal("1,000 routes: first route's throughput against the last's", 1.15, False, *first_last),
        Goal(
            "import and one-route application against FastAPI's",
            0.6, False, startup_ratio(startup, "import", "net_seconds"),
        ),
    ]  # fmt: skip


def _above_pydantic(startup: Startup) -> float | None:
    numbers = startup.get("page", {}).get("carboy")
    return numbers and (numbers["page_seconds"] - numbers["pydantic_seconds"]) / 20e-6


def startup_ratio(startup: Startup, part: str, key: str) -> float | None:
    """Return Carboy's number over FastAPI's."""
    numbers = startup.get(part, {})
    ours = numbers.get("carboy", {}).get(key)
    theirs = numbers.get("fastapi", {}).get(key)
    return float(ours) / float(theirs) if ours is not None and theirs else None
