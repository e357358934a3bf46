"""`flask.sansio.scaffold`: what applications and blueprints have in common."""

from __future__ import annotations

from carboy.flask.scaffold import Scaffold, _endpoint_from_view_func, setupmethod

__all__ = ["Scaffold", "_endpoint_from_view_func", "setupmethod"]
