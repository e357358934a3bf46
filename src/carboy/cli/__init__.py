"""The `carboy` command: run, dev, show, routes. Works from any folder."""

from carboy.cli.main import main

__all__ = ["main"]
