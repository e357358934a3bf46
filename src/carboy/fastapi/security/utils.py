"""Reading the Authorization header. COMPAT: the module is called as upstream calls it."""

from __future__ import annotations


def get_authorization_scheme_param(authorization_header_value: str | None) -> tuple[str, str]:
    """The scheme and what follows it; empty where there is nothing."""
    scheme, _, param = (authorization_header_value or "").partition(" ")
    return scheme, param.strip()
