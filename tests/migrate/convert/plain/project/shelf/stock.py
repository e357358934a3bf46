"""What is on the shelf: no Flask here."""

import datetime
from decimal import Decimal


class OutOfStock(Exception):
    """Nobody has it."""


BOOKS = {
    1: {
        "id": 1,
        "title": "Dune",
        "tags": ["desert", "spice"],
        "price": Decimal("9.50"),
        "added": datetime.date(2026, 1, 2),
    },
    2: {"id": 2, "title": "Emma", "tags": [], "price": Decimal("5"), "added": None},
}
