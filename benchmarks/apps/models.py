"""The pydantic model that the ``post`` workload sends and gets back.

Six fields: the scalar kinds JSON knows, a nested list of strings and one optional
field that the request leaves out, so that validation and serialisation both have
something to do.
"""

from pydantic import BaseModel


class Item(BaseModel):
    """One article of an imaginary shop."""

    name: str
    price: float
    quantity: int
    in_stock: bool
    tags: list[str]
    description: str | None = None


#: A page of the shop's list, as a database layer hands it over.
PAGE = [
    Item(name=f"Lamp {number}", price=number / 2, quantity=number, in_stock=True, tags=["light"])
    for number in range(100)
]
DICTS = [item.model_dump() for item in PAGE]
