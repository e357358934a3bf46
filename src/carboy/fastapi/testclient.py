"""The test client: Starlette's own, under FastAPI's path. It needs httpx, an optional package."""

from starlette.testclient import TestClient

__all__ = ["TestClient"]
