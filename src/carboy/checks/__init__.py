"""What an application uses and what of it Carboy does not support, before anyone commits to it.

Sources are read (carboy.sources), the faces are asked for the names that the sources want, and the
application is looked at if it can be loaded. A finding names file and line and says what to do.
Nothing here prints: that is cli/checking.py.
"""

from __future__ import annotations

from carboy.checks.checked import check as check
from carboy.checks.findings import Finding as Finding
from carboy.checks.findings import Report as Report

__all__ = ["Finding", "Report", "check"]
