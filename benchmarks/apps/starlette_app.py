"""Starlette: the hello page with its request and JSON response classes.

The layer below FastAPI: routing and requests without validation, so its distance
to FastAPI shows what validation and dependency solving cost there.
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hello(request: Request) -> JSONResponse:
    """Greet from the query string."""
    name = request.query_params.get("name", "World")
    return JSONResponse({"message": f"Hello, {name}!"})


app = Starlette(routes=[Route("/hello", hello)])
