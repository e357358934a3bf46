"""What an OpenAPI document says of what a route asks for: parameters, security, the body.

Reads the Dependant that requests are read by; nothing is inspected twice. What is answered is
answered.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from carboy.fastapi._compat import ModelField, get_schema_from_model_field
from carboy.fastapi._compat.schemas import FieldMapping, ModelNameMap
from carboy.fastapi.datastructures import _Unset
from carboy.fastapi.dependencies.models import (
    Dependant,
    _get_cache_key,
    _get_oauth_scopes,
    _get_security_scheme,
    _is_security_scheme,
)
from carboy.fastapi.dependencies.utils import (
    _get_flat_fields_from_params,
    _get_param_aliases,
    _get_param_model,
)
from carboy.fastapi.encoders import jsonable_encoder

#: Where parameters come from, in the order they are listed.
_SOURCES = ("path", "query", "header", "cookie")


@dataclass
class Schemas:
    """The schemas of all fields of a document, and the security schemes met so far."""

    mapping: FieldMapping
    names: ModelNameMap
    separate: bool = True
    _schemes: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    def of(self, one: ModelField, alias: str | None = None) -> dict[str, Any]:
        """A field's schema, the caller's to change."""
        return get_schema_from_model_field(
            field=one,
            model_name_map=self.names,
            field_mapping=self.mapping,
            separate_input_output_schemas=self.separate,
            field_alias=alias,
        )

    def scheme(self, scheme: Any) -> Any:
        """A security scheme as data."""
        # The scheme is kept with its data, so that no other can get its id.
        if id(scheme) not in self._schemes:
            model = jsonable_encoder(scheme.model, by_alias=True, exclude_none=True)
            self._schemes[id(scheme)] = (scheme, model)
        return self._schemes[id(scheme)][1]


#: A dependant, and the OAuth2 scopes that hold for it.
Asking = tuple[Dependant, list[str]]


def asking(dependant: Dependant) -> list[Asking]:
    """A dependant and those it depends on, each where it is first met; itself first."""
    if not dependant.dependencies:
        return [(dependant, [])]
    return list(_walk(dependant, [], [], {}))


def _walk(
    dependant: Dependant, inherited: list[str], seen: list[Any], cache: dict[Any, Any]
) -> Iterator[Asking]:
    key = _get_cache_key(dependant=dependant, uses_scopes_cache=cache)
    if key in seen:  # a list: callables need not be hashable
        return
    seen.append(key)
    own = _get_oauth_scopes(dependant=dependant)
    scopes = [*inherited, *(scope for scope in own if scope not in inherited)]
    yield dependant, scopes
    for below in dependant.dependencies:
        yield from _walk(below, scopes, seen, cache)


def declared_parameters(asked: list[Asking]) -> list[tuple[str, ModelField]]:
    """(where from, field) of all parameters, models not taken apart."""
    return [
        (source, one)
        for source in _SOURCES
        for dependant, _ in asked
        for one in getattr(dependant, f"{source}_params")
    ]


@dataclass
class _OpenAPIDependencyData:
    """What a dependant and those below it declare, by where it comes from.

    COMPAT: tools that describe dependencies of their own (titiler) ask for it, and for the two
    functions below, by these names.
    """

    path_params: list[ModelField] = field(default_factory=list)
    query_params: list[ModelField] = field(default_factory=list)
    header_params: list[ModelField] = field(default_factory=list)
    cookie_params: list[ModelField] = field(default_factory=list)
    #: Security schemes, each with the OAuth2 scopes that hold for it.
    security_dependencies: list[Asking] = field(default_factory=list)


def _get_openapi_dependency_data(dependant: Dependant) -> _OpenAPIDependencyData:
    """Everything that a request to this dependant is asked for, the body aside."""
    asked = asking(dependant)
    data = _OpenAPIDependencyData()
    for source, one in declared_parameters(asked):
        getattr(data, f"{source}_params").append(one)
    data.security_dependencies += [
        one for one in asked[1:] if _is_security_scheme(dependant=one[0])
    ]
    return data


def _get_openapi_operation_parameters(
    *,
    dependency_data: _OpenAPIDependencyData,
    model_name_map: ModelNameMap,
    field_mapping: FieldMapping,
    separate_input_output_schemas: bool = True,
) -> list[dict[str, Any]]:
    """The parameters of an operation, as its `parameters` shows them."""
    declared = [
        (source, one) for source in _SOURCES for one in getattr(dependency_data, f"{source}_params")
    ]
    schemas = Schemas(field_mapping, model_name_map, separate_input_output_schemas)
    return describe_parameters(declared, schemas)


def _get_openapi_security_definitions(
    security_dependencies: list[Asking],
) -> tuple[dict[str, Any], list[dict[str, list[str]]]]:
    """Security schemes by name, and what an operation requires of them."""
    return _describe_schemes(security_dependencies, Schemas({}, {}))


def describe_security(
    asked: list[Asking], schemas: Schemas
) -> tuple[dict[str, Any], list[dict[str, list[str]]]]:
    """The schemes by name, and which scopes of each are required."""
    found = [one for one in asked[1:] if _is_security_scheme(dependant=one[0])]
    return _describe_schemes(found, schemas)


def _describe_schemes(
    found: list[Asking], schemas: Schemas
) -> tuple[dict[str, Any], list[dict[str, list[str]]]]:
    definitions: dict[str, Any] = {}
    required: dict[str, list[str]] = {}
    for dependant, scopes in found:
        scheme = _get_security_scheme(dependant=dependant)
        definitions[scheme.scheme_name] = schemas.scheme(scheme)
        listed = required.setdefault(scheme.scheme_name, [])
        listed += [scope for scope in dict.fromkeys(scopes) if scope not in listed]
    return definitions, [{name: scopes} for name, scopes in required.items()]


def describe_parameters(
    declared: list[tuple[str, ModelField]], schemas: Schemas
) -> list[dict[str, Any]]:
    """Parameters, one for each place and name: the last, but a required one before others."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for source, one in declared:
        if getattr(one.field_info, "include_in_schema", True):
            for parameter in _describe(source, one, schemas):
                place = (source, parameter["name"])
                if parameter["required"] or not found.get(place, {}).get("required"):
                    found[place] = parameter
    return list(found.values())


def _describe(source: str, declared: ModelField, schemas: Schemas) -> Iterator[dict[str, Any]]:
    """A parameter, or each of a model that stands for many."""
    outer = declared.field_info
    model = _get_param_model(declared)
    optional = model is not None and outer.annotation is not model and not outer.is_required()
    for one in [declared] if model is None else _get_flat_fields_from_params([declared]):
        info = one.field_info
        convert = getattr(outer, "convert_underscores", True)
        convert = source == "header" and getattr(info, "convert_underscores", convert)
        alias, name = _get_param_aliases(one, convert_underscores=convert)[0]
        parameter = {
            "name": name,
            "in": source,
            "required": info.is_required() and not optional,
            "schema": schemas.of(one, alias),
        }
        if info.description:
            parameter["description"] = info.description
        _add_examples(parameter, info)
        if info.deprecated:
            parameter["deprecated"] = True
        yield parameter


def describe_body(one: ModelField, schemas: Schemas) -> dict[str, Any]:
    """A request's body."""
    info: Any = one.field_info
    described: dict[str, Any] = {"required": True} if info.is_required() else {}
    content = {"schema": schemas.of(one)}
    _add_examples(content, info)
    described["content"] = {info.media_type: content}
    return described


def _add_examples(described: dict[str, Any], info: Any) -> None:
    # COMPAT: of what is no parameter of ours (a field of a model) upstream shows an example of null
    # that its OpenAPI model then drops.
    example = getattr(info, "example", _Unset)
    if examples := getattr(info, "openapi_examples", None):
        described["examples"] = jsonable_encoder(examples)
    elif example is not _Unset:
        described["example"] = jsonable_encoder(example)
