"""Rows of the table: what is done to both servers, what each did, and whether ours held."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.env import Environment

from faults.serving import FASTAPI, PEERS, Peer


@dataclass(frozen=True)
class Row:
    """One fault: what was seen on each server, in words, and the verdict on ours."""

    fault: str
    goal: str
    carboy: str
    fastapi: str
    met: bool


#: Does a fault to one server: what was seen in words, and whether the goal is met.
Fault = Callable[[Peer, Environment], tuple[str, bool]]


def measure(fault: str, goal: str, do: Fault, environment: Environment) -> Row:
    """Do it to both, one after the other; a server that fails altogether is said."""
    seen: dict[str, tuple[str, bool]] = {}
    for peer in PEERS:
        try:
            seen[peer.key] = do(peer, environment)
        except (OSError, RuntimeError, ValueError) as error:
            seen[peer.key] = f"failed: {error}"[:200], False
    ours, theirs = seen["carboy"], seen[FASTAPI.key]
    return Row(fault, goal, ours[0], theirs[0], ours[1])


def as_markdown(rows: list[Row]) -> str:
    """The table."""
    lines = [
        "| Fault | Goal | Carboy | FastAPI on uvicorn | Verdict |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        verdict = "met" if row.met else "**missed**"
        lines.append(f"| {row.fault} | {row.goal} | {row.carboy} | {row.fastapi} | {verdict} |")
    return "\n".join(lines)
