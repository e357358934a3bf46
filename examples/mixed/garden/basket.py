"""The basket: a dict in the session, {number of a seed: packets}. For routes of both kinds.

Flask's `session` and `request.session` of a typed route are the same, so whoever calls hands it in.
"""

from collections.abc import MutableMapping
from typing import Any

from garden.models import Seed, db

Session = MutableMapping[str, Any]
MOST = 20


def size(session: Session) -> int:
    """How many packets are in it."""
    return sum(session.get("basket", {}).values())


def put(session: Session, number: int, count: int) -> None:
    """Have `count` packets of a seed in it; none takes it out."""
    others = {key: n for key, n in session.get("basket", {}).items() if key != str(number)}
    session["basket"] = {**others, str(number): count} if count else others


def lines(session: Session) -> list[tuple[Seed, int]]:
    """The seeds with their counts, by name."""
    chosen = session.get("basket", {})
    query = db.select(Seed).where(Seed.id.in_(map(int, chosen))).order_by(Seed.name)
    return [(seed, chosen[str(seed.id)]) for seed in db.session.scalars(query)]
