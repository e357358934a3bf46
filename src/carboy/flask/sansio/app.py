"""`flask.sansio.app`: `App`, which every application is."""

from __future__ import annotations

from carboy.flask.app import Flask as App

__all__ = ["App"]
