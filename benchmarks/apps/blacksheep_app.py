"""BlackSheep: the hello page and the POST echo, bound by type annotations.

BlackSheep reads the query parameter and the JSON body from the signature, as its
documentation recommends.
"""

from blacksheep import Application, FromJSON, Response, get, json, post

from .models import Item

app = Application()


@get("/hello")
async def hello(name: str = "World") -> Response:
    """Greet from the query string."""
    return json({"message": f"Hello, {name}!"})


@post("/items")
async def create_item(item: FromJSON[Item]) -> Response:
    """Validate the body and give it back."""
    return json(item.value)
