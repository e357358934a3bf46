"""Installs the drop-in in every Python that a command starts, child processes included.

`carboy exec` puts this folder on PYTHONPATH; Python imports `sitecustomize` before anything else.
uvicorn gets Carboy's protocol as well.
CARBOY_DROPIN says which packages are replaced. Errors end the process: Python itself would only
print them and go on without the drop-in.
"""

import importlib
import os
import sys
import traceback
from pathlib import Path

if os.environ.get("CARBOY_DROPIN"):
    try:
        import carboy.dropin
        import carboy.protocols

        carboy.protocols.install()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)
    # The environment's own sitecustomize, which this one stands before.
    here = str(Path(__file__).parent)
    path, sys.path[:] = sys.path[:], [one for one in sys.path if one != here]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError:
        if ours is not None:
            sys.modules["sitecustomize"] = ours
    finally:
        sys.path[:] = path
