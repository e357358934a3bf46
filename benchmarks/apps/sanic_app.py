"""Sanic: the hello page on Sanic's own server.

Started as one process with the access log off.
"""

from sanic import HTTPResponse, Request, Sanic, json

app = Sanic("bench")


@app.get("/hello")
async def hello(request: Request) -> HTTPResponse:
    """Greet from the query string."""
    name = request.args.get("name", "World")
    return json({"message": f"Hello, {name}!"})
