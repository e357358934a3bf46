"""The test client: one more rim, whose wire is memory."""

from carboy.testing.client import TestClient

__all__ = ["TestClient"]
