"""Carboy: the routes of all workloads but `routes-1000`.

``app`` holds everything, ``def_app`` the hello page again, written as a plain
function, so that both answer at the same path. The Carboy and
FastAPI modules differ in the import and the class name only.
"""

from carboy import App, Depends

from .models import DICTS, PAGE, Item

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


async def settings():
    """The first of five dependencies, each on the one before."""
    return {"currency": "EUR"}


async def database(settings: dict = Depends(settings)):
    """The second."""
    return {"settings": settings, "open": True}


async def user(name: str = "World", database: dict = Depends(database)):
    """The third takes a parameter of its own."""
    return {"name": name, "database": database}


async def account(user: dict = Depends(user)):
    """The fourth."""
    return {"owner": user["name"]}


async def basket(account: dict = Depends(account)):
    """The fifth."""
    return account


@app.get("/basket")
async def show_basket(basket: dict = Depends(basket)):
    """Greet from below five dependencies."""
    return {"message": f"Hello, {basket['owner']}!"}


@app.get("/page", response_model=list[Item])
async def page():
    """Answer with 100 instances of the declared model."""
    return PAGE


@app.get("/dicts", response_model=list[Item])
async def dicts():
    """Answer with 100 dicts to be validated."""
    return DICTS
