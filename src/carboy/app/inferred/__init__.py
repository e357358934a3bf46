"""OpenAPI operations of untouched Flask views, inferred from rules and from the views' sources.

Path parameters come from the converters and are certain. Everything else is what the source says
(carboy.sources) and is marked ``x-carboy-inferred``; where a view says nothing, nothing is made
up. `documented` (said.py) completes an operation or hides it. `describe` makes the operations,
`merged` lays them under a document whose own operations win.
"""

from __future__ import annotations

from carboy.app.inferred.described import Described as Described
from carboy.app.inferred.described import describe as describe
from carboy.app.inferred.described import paths_of as paths_of
from carboy.app.inferred.merging import merged as merged
from carboy.app.inferred.said import Said as Said
from carboy.app.inferred.said import documented as documented

__all__ = ["Described", "Said", "describe", "documented", "merged", "paths_of"]
