"""Falcon: the hello page as an ASGI resource.

``resp.media`` is Falcon's documented way to answer with JSON.
"""

from falcon.asgi import App, Request, Response


class HelloResource:
    """Answers ``/hello``."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Greet from the query string."""
        name = req.get_param("name", default="World")
        resp.media = {"message": f"Hello, {name}!"}


app = App()
app.add_route("/hello", HelloResource())
