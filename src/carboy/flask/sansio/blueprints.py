"""`flask.sansio.blueprints`: `Blueprint`, which every blueprint is, and its setup state."""

from __future__ import annotations

from carboy.flask.blueprints import Blueprint, BlueprintSetupState

__all__ = ["Blueprint", "BlueprintSetupState"]
