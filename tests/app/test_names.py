"""What `carboy` itself has: names that load when they are asked for, and an end to the asking."""

from __future__ import annotations

import subprocess
import sys

import pytest


def test_faces_can_be_imported_from_the_package() -> None:
    code = "from carboy import fastapi, flask; print(fastapi.__name__, flask.__name__)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["carboy.fastapi", "carboy.flask"]


def test_an_unknown_name_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="nonsense"):
        from carboy import nonsense  # noqa: F401
