"""Carboy: the hello page as coroutine and as plain function, and the POST echo.

``app`` holds the coroutine and the POST route, ``def_app`` the same hello page
written as a plain function, so that both answer at the same path. The Carboy and
FastAPI modules differ in the import and the class name only.
"""

from carboy import App

from .models import Item

app = App()
def_app = App()


@app.get("/hello")
async def hello(name: str | None = "World"):
    """Greet from a coroutine."""
    return {"message": f"Hello, {name}!"}


@app.post("/items", response_model=Item)
async def create_item(item: Item):
    """Validate the body and give it back through the response model."""
    return item


@def_app.get("/hello")
def hello_def(name: str | None = "World"):
    """Greet from a plain function."""
    return {"message": f"Hello, {name}!"}
