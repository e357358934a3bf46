"""Installs the drop-in in every Python of a run against Carboy, child processes included.

Upstream's suites start interpreters of their own; they inherit PYTHONPATH, which names this folder.
CARBOY_DROPIN says which package is replaced. Errors end the process: Python itself would only print
them and go on without the drop-in.
"""

import os
import sys
import traceback

if os.environ.get("CARBOY_DROPIN"):
    try:
        import carboy.dropin  # noqa: F401
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)
