"""From a Flask application's rules and views to OpenAPI path items."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from werkzeug.routing import Rule

from carboy.app.inferred.answered import responses_of
from carboy.app.inferred.applying import Types, apply
from carboy.app.inferred.components import free, used
from carboy.app.inferred.converters import path_of
from carboy.app.inferred.forms import fields_of
from carboy.app.inferred.paths import Paths
from carboy.app.inferred.requested import MARK, body_of, parameters_of
from carboy.app.inferred.said import Said, said_of
from carboy.app.inferred.typed import TypedParts
from carboy.sources import View, read_function

#: Answered by the framework.
_AUTOMATIC = frozenset(("HEAD", "OPTIONS", "TRACE"))
#: Application config: which views the document shows, "all", "documented" (with the decorator) or
#: "none".
SHOWN = "CARBOY_OPENAPI_VIEWS"


@dataclass(frozen=True)
class Described:
    """Path items, and what they refer to: components/schemas and components/securitySchemes."""

    paths: dict[str, dict[str, Any]] = field(default_factory=dict)
    schemas: dict[str, Any] = field(default_factory=dict)
    schemes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Operation:
    """One rule with one method, and what answers it."""

    rule: Rule
    path: str
    parameters: list[dict[str, Any]]
    method: str
    view: Any
    said: list[Said]


def paths_of(flask_app: Any) -> dict[str, dict[str, Any]]:
    """Path -> method in small letters -> Operation Object; see `describe` for models' schemas."""
    return describe(flask_app).paths


def describe(flask_app: Any) -> Described:
    """All operations of the views of a Flask application of our face (or of real Flask).

    Static files, HEAD and OPTIONS, rules that redirect or only build URLs, and what `documented`
    hides are left out. ValueError: the config ``CARBOY_OPENAPI_VIEWS`` is no word it may be.
    """
    shown = flask_app.config.get(SHOWN, "all")
    if shown not in ("all", "documented", "none"):
        raise ValueError(f'{SHOWN} is "all", "documented" or "none", not {shown!r}')
    found = [] if shown == "none" else list(_operations(flask_app))
    if shown == "documented":
        found = [one for one in found if one.said]
    typed = TypedParts((one.view, one.method) for one in found)
    types = Types((one for operation in found for one in operation.said), typed.schemas)
    paths, names = Paths({}), _ids(found)
    for one, name in zip(found, names, strict=True):
        method = one.method.lower()
        if (there := paths.get(one.path, method)) is not None:
            _mention(there, one)
            continue
        operation = _describe(one, name)
        typed.lay_over(operation, one.view, one.method)
        for said in one.said:
            apply(operation, said, types)
        paths.put(one.path, method, operation)
    definitions = {**typed.schemas, **types.definitions}
    return Described(paths.items, used(paths.items, definitions), typed.schemes)


def _operations(flask_app: Any) -> Iterator[_Operation]:
    """Every rule with each of its methods; of rules with one path, the more specific first."""
    found: list[tuple[str, int, _Operation]] = []
    for rule in flask_app.url_map.iter_rules():
        view = dict.get(flask_app.view_functions, rule.endpoint)
        automatic = rule.redirect_to is not None or rule.build_only or rule.websocket
        if view is None or automatic or rule.alias or _is_static(rule):
            continue
        path, parameters = path_of(rule)
        weight = sum(converter.weight for converter in rule._converters.values())
        for method in sorted((rule.methods or {"GET"}) - _AUTOMATIC):
            said = said_of(view, method)
            if not any(one.hide for one in said):
                operation = _Operation(rule, path, parameters, method, view, said)
                found.append((path, weight, operation))
    return (one for _, _, one in sorted(found, key=lambda ranked: ranked[:2]))


def _mention(operation: dict[str, Any], other: _Operation) -> None:
    """Say that other values of the same path are answered by another view: OpenAPI has no place."""
    note = f"`{other.rule.rule}` is another view's: `{other.rule.endpoint}`."
    said = operation.get("description")
    operation["description"] = f"{said}\n\n{note}" if said else note


def _is_static(rule: Rule) -> bool:
    return str(rule.endpoint).rpartition(".")[2] == "static" and "filename" in rule.arguments


def _ids(found: list[_Operation]) -> list[str]:
    """An id for every operation: the endpoint, with method and number where there are several."""
    count = Counter(one.rule.endpoint for one in found)
    taken: set[str] = set()
    names = []
    for one in found:
        name = str(one.rule.endpoint).replace(".", "_")
        if count[one.rule.endpoint] > 1:
            name += f"_{one.method.lower()}"
        names.append(free(name, taken))
    return names


def _describe(one: _Operation, name: str) -> dict[str, Any]:
    function, view, about = _read(one.view, one.method)
    blueprint, _, own = str(one.rule.endpoint).rpartition(".")
    operation: dict[str, Any] = {"tags": [blueprint]} if blueprint else {}
    operation["summary"] = about.summary or own.replace("_", " ").title()
    if about.description:
        operation["description"] = about.description
    operation["operationId"] = name
    path_names = {parameter["name"] for parameter in one.parameters}
    parameters = [dict(parameter) for parameter in one.parameters]
    parameters += [p for p in parameters_of(view, one.method) if p["name"] not in path_names]
    if parameters:
        operation["parameters"] = parameters
    fields = fields_of(function, view, one.method)
    if (body := body_of(view, one.method, fields)) is not None:
        operation["requestBody"] = body
    operation["responses"] = responses_of(view, one.method)
    operation[MARK] = True
    return operation


def _read(view: Any, method: str) -> tuple[Any, View, View]:
    """(what answers a method, its source, what says summary and description: maybe its class)."""
    cls = getattr(view, "view_class", None)
    if cls is None:
        found = read_function(view)
        return view, found, found
    function = getattr(cls, method.lower(), None) or cls.dispatch_request
    found = read_function(function)
    if found.summary or not cls.__doc__:
        return function, found, found
    summary, _, rest = inspect.cleandoc(cls.__doc__).partition("\n")
    return function, found, View(found.name, summary=summary.strip(), description=rest.strip())
