"""Flask's extensions in an App, with `flask` answered by our face; see extended_site.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_extensions_know_typed_routes(tmp_path: Path) -> None:
    site = Path(__file__).with_name("extended_site.py")
    start = "import carboy.dropin, runpy; runpy.run_path({!r}, run_name='__main__')"
    command = [sys.executable, "-c", start.format(str(site)), str(tmp_path / "site.db")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["check_users", "check_database", "check_forms"], done.stderr
