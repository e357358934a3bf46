"""Litestar: the hello page and the POST echo, typed handlers throughout.

Litestar answers a POST with 201 by default; the status is set to 200 so that one
check fits every framework.
"""

from litestar import Litestar, get, post

from .models import Item


@get("/hello")
async def hello(name: str = "World") -> dict[str, str]:
    """Greet; Litestar encodes the dict with msgspec."""
    return {"message": f"Hello, {name}!"}


@post("/items", status_code=200)
async def create_item(data: Item) -> Item:
    """Validate the body and give it back."""
    return data


app = Litestar(route_handlers=[hello, create_item])
