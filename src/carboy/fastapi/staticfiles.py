"""Files of a directory as an ASGI application: Starlette's own, under FastAPI's path."""

from starlette.staticfiles import StaticFiles

__all__ = ["StaticFiles"]
