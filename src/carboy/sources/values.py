"""What an expression stands for: a known name, a value of the request, answers.

Tables of Flask's names; facts of Flask 3.1 and Werkzeug 3.1.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from carboy.sources.facts import MISSING, Answer

#: Where values come from, by the canonical name of the mapping.
PLACES = {
    "flask.request.args": "query",
    "flask.request.form": "form",
    "flask.request.values": "values",
    "flask.request.files": "file",
    "flask.request.headers": "header",
    "flask.request.cookies": "cookie",
    "flask.request.json": "json",
    "flask.session": "session",
    "flask.g": "g",
}
JSON = "flask.request.json"

#: Exceptions of werkzeug.exceptions by their status.
RAISED = {
    "BadRequest": 400,
    "BadRequestKeyError": 400,
    "SecurityError": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "RequestTimeout": 408,
    "Conflict": 409,
    "Gone": 410,
    "LengthRequired": 411,
    "PreconditionFailed": 412,
    "RequestEntityTooLarge": 413,
    "RequestURITooLarge": 414,
    "UnsupportedMediaType": 415,
    "RequestedRangeNotSatisfiable": 416,
    "ExpectationFailed": 417,
    "ImATeapot": 418,
    "MisdirectedRequest": 421,
    "UnprocessableEntity": 422,
    "Locked": 423,
    "FailedDependency": 424,
    "PreconditionRequired": 428,
    "TooManyRequests": 429,
    "RequestHeaderFieldsTooLarge": 431,
    "UnavailableForLegalReasons": 451,
    "InternalServerError": 500,
    "NotImplemented": 501,
    "BadGateway": 502,
    "ServiceUnavailable": 503,
    "GatewayTimeout": 504,
    "HTTPVersionNotSupported": 505,
}


@dataclass
class Value:
    """`tag` is a canonical name; `read` the record of a value that was taken out of a place."""

    tag: str | None = None
    read: dict[str, Any] | None = None
    answers: tuple[Answer, ...] = ()

    @property
    def place(self) -> str | None:
        """The place that this is the whole of."""
        return PLACES.get(self.tag or "")


NOTHING = Value()


def literal(node: ast.expr | None) -> Any:
    """The value of a literal; MISSING where it is none."""
    if node is None:
        return MISSING
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return MISSING


def text_of(node: ast.expr | None) -> str | None:
    """A string literal's text."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def status_of(node: ast.expr | None) -> int | None:
    """A status as it is written: 404, "404 Not Found", HTTPStatus.NOT_FOUND."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return node.value
        if isinstance(node.value, str) and node.value[:3].isdecimal():
            return int(node.value[:3])
    if isinstance(node, ast.Attribute):
        name = node.attr
        if isinstance(node.value, ast.Attribute) and name == "value":
            name = node.value.attr  # HTTPStatus.NOT_FOUND.value
        if name in HTTPStatus.__members__:
            return int(HTTPStatus[name])
        if name.startswith("HTTP_") and name[5:8].isdecimal():
            return int(name[5:8])  # status.HTTP_404_NOT_FOUND
    return None


#: What a call of a builtin gives, as a JSON type.
_MADE = {"int": "integer", "len": "integer", "round": "number", "float": "number", "sum": "number"}
_MADE |= {"str": "string", "bool": "boolean", "any": "boolean", "all": "boolean"}
_MADE |= {"list": "array", "sorted": "array", "dict": "object", "isoformat": "string"}
_MADE |= {"strftime": "string", "url_for": "string", "join": "string", "hex": "string"}
_NODES: dict[type[ast.expr], str] = {
    ast.Dict: "object",
    ast.DictComp: "object",
    ast.List: "array",
    ast.ListComp: "array",
    ast.Tuple: "array",
    ast.JoinedStr: "string",
    ast.Compare: "boolean",
}
_CONSTANTS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def json_type(node: ast.expr) -> str | None:
    """The JSON type of what an expression gives, where its form tells."""
    if isinstance(node, ast.Constant):
        return _CONSTANTS.get(type(node.value))
    if isinstance(node, ast.Call):
        func = node.func
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        return _MADE.get(name)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return "boolean"
    return _NODES.get(type(node))


def shape_of(node: ast.Dict) -> tuple[tuple[str, str | None], ...]:
    """The visible keys of a dict literal, with their types."""
    return tuple(
        (key.value, json_type(value))
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    )
