"""`carboy migrate status`: how far a code base is, view by view.

What the converter would do comes from `convert.plan`, what is typed already and what views use from
their sources (carboy.sources). gathered.py puts them together, counted.py is the figures, terminal
and page show them. Nothing is written but the page that was asked for.
"""

from __future__ import annotations

from carboy.migrate.status.counted import Status as Status
from carboy.migrate.status.gathered import gather as gather

__all__ = ["Status", "gather"]
