"""Starlette's own WSGIMiddleware, under FastAPI's path. It is deprecated there."""

from starlette.middleware.wsgi import WSGIMiddleware

__all__ = ["WSGIMiddleware"]
