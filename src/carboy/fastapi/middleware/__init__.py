"""Middleware: Starlette's own classes under FastAPI's paths, one module each."""

from starlette.middleware import Middleware

__all__ = ["Middleware"]
