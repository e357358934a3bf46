"""The `fastapi` command, which the package fastapi-cli brings. Carboy's own is carboy.cli."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

cli_main: Callable[[], Any] | None
try:
    cli_main = importlib.import_module("fastapi_cli.cli").main
except ImportError:
    cli_main = None


def main() -> None:
    """Runs the command, or says where to get it."""
    if cli_main is None:
        message = (
            'To use the fastapi command, please install it: pip install "fastapi-cli[standard]". '
            "Without it, `carboy dev` and `carboy run` do the same work."
        )
        print(message)
        raise RuntimeError(message)
    cli_main()
