"""Whole numbers that an operator sets in the environment, and what is said to one that is none."""

from __future__ import annotations

import os


def whole_number(variable: str, default: int, advice: str, least: int = 0) -> int:
    """The value of `variable`. ValueError: it is no number, or less than `least`."""
    text = os.environ.get(variable)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise ValueError(f"{variable} is {text!r}; say {advice}")
    return int(text)


def whole_numbers(defaults: dict[str, int], advice: str, least: int = 0) -> dict[str, int]:
    """For each name the value of CARBOY_<NAME>, or its default."""
    return {
        name: whole_number(f"CARBOY_{name.upper()}", default, advice, least)
        for name, default in defaults.items()
    }
