"""What a handler asks about its request: Starlette's own classes, under FastAPI's path."""

from starlette.requests import HTTPConnection, Request

__all__ = ["HTTPConnection", "Request"]
