"""What is said where Flask's way of writing and FastAPI's are mixed up in an `App`.

Flask takes braces in a rule for text. Only where the view asks for a value of that name is it sure
that a variable was meant: an application that has braces in its addresses stays as it is.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from carboy.core.pattern import BRACE_CONVERTERS

_BRACES = re.compile(r"{(\w+)(?::(\w+))?}")


def check_rule(rule: str, view: Callable[..., Any]) -> None:
    """ValueError: FastAPI's ``{name}`` in a rule for a view that has a parameter of that name."""
    if "{" not in rule:
        return
    try:
        parameters = inspect.signature(view).parameters
    except (TypeError, ValueError):
        return
    found = [one for one in _BRACES.finditer(rule) if one[1] in parameters]
    if found:
        right = _BRACES.sub(_as_rule, rule)
        raise ValueError(
            f"the rule {rule!r} uses FastAPI's {found[0][0]!r}. Write {right!r} for a Flask view, "
            f"or declare a typed route with @app.get({rule!r})."
        )


def _as_rule(variable: re.Match[str]) -> str:
    name, kind = variable.groups()
    # Both have the same converters, but that Flask's for text goes without saying.
    return f"<{kind}:{name}>" if kind in BRACE_CONVERTERS and kind != "str" else f"<{name}>"
