"""What was said with `documented` laid over what was inferred; models' schemas among it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from carboy.app.inferred.answered import phrase
from carboy.app.inferred.components import PREFIX, names_beside, referring
from carboy.app.inferred.said import Said
from carboy.fastapi._compat.schemas import GenerateJsonSchema

#: A type may be described otherwise where it is sent than where it is received.
RECEIVED, SENT = "validation", "serialization"


class Types:
    """Schemas of all types that were said, made together: models of one name are told apart.

    `definitions` are those of models by name; `taken` are others that they will stand beside.
    """

    def __init__(self, said: Iterable[Said], taken: dict[str, Any]) -> None:
        self._adapters: dict[tuple[int, str], tuple[Any, TypeAdapter[Any]]] = {}
        for one in said:
            for kind, mode in _types_of(one):
                if (id(kind), mode) not in self._adapters:
                    self._adapters[id(kind), mode] = (kind, TypeAdapter(kind))
        self._schemas: dict[tuple[int, str], Any] = {}
        self.definitions: dict[str, Any] = {}
        if self._adapters:
            self._make(taken)

    def _make(self, taken: dict[str, Any]) -> None:
        inputs: Any = [(key, key[1], adapter) for key, (_, adapter) in self._adapters.items()]
        schemas, rest = TypeAdapter.json_schemas(
            inputs, ref_template=PREFIX + "{model}", schema_generator=GenerateJsonSchema
        )
        made = rest.get("$defs", {})
        names = names_beside(made, taken)
        self.definitions = {names[name]: referring(one, names) for name, one in made.items()}
        self._schemas = {key: referring(schema, names) for (key, _), schema in schemas.items()}

    def of(self, kind: Any, mode: str) -> dict[str, Any]:
        """The schema of a type; a copy."""
        return dict(self._schemas[id(kind), mode])

    def resolved(self, model: Any) -> dict[str, Any]:
        """The schema of a model itself, not a reference to it."""
        schema = self.of(model, RECEIVED)
        name = schema.get("$ref", "").rpartition("/")[2]
        return dict(self.definitions[name]) if name else schema


def _types_of(said: Said) -> Iterator[tuple[Any, str]]:
    if said.body is not None and not _is_schema(said.body):
        yield said.body, RECEIVED
    if said.query is not None:
        yield said.query, RECEIVED
    for parameter in said.parameters:
        if (kind := parameter.get("schema")) is not None and not _is_schema(kind):
            yield kind, RECEIVED
    for answer in said.responses.values():
        kind, _, _ = _taken_apart(answer)
        if kind is not None:
            yield kind, SENT


def _is_schema(given: Any) -> bool:
    return isinstance(given, Mapping)


def _taken_apart(answer: Any) -> tuple[Any, str | None, Mapping[str, Any] | None]:
    """(type, description, Response Object) of one value of `responses`."""
    if answer is None or isinstance(answer, str):
        return None, answer, None
    if isinstance(answer, Mapping):
        return answer.get("model"), answer.get("description"), answer
    if isinstance(answer, tuple):
        kind, description = answer
        return kind, description, None
    return answer, None, None


def apply(operation: dict[str, Any], said: Said, types: Types) -> None:
    """Change an operation to what was said of it."""
    plain: dict[str, Any] = {"summary": said.summary, "description": said.description}
    plain |= {"operationId": said.operation_id, "deprecated": said.deprecated}
    operation.update({name: value for name, value in plain.items() if value is not None})
    if said.tags is not None:
        operation["tags"] = list(said.tags)
    if said.query is not None:
        for parameter in _fields(said.query, types):
            put(operation, parameter)
    for given in said.parameters:
        parameter = dict(given)
        kind = parameter.get("schema", str if "content" not in parameter else None)
        if kind is not None:
            parameter["schema"] = _schema(kind, types)
        put(operation, {"in": "query", "required": parameter.get("in") == "path", **parameter})
    if said.body is not None:
        content = {said.body_type: {"schema": _schema(said.body, types)}}
        operation["requestBody"] = {"required": True, "content": content}
    for status, answer in said.responses.items():
        operation["responses"][str(status)] = _response(int(status), answer, types)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _schema(kind: Any, types: Types) -> dict[str, Any]:
    if _is_schema(kind):
        return dict(kind)
    if kind is str:
        return {"type": "string"}
    return types.of(kind, RECEIVED)


def _fields(model: Any, types: Types) -> Iterator[dict[str, Any]]:
    """A model's fields as query parameters."""
    schema = types.resolved(model)
    required = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        described = dict(one)
        parameter = {"name": name, "in": "query", "required": name in required}
        if description := described.pop("description", None):
            parameter["description"] = description
        yield {**parameter, "schema": described}


def put(operation: dict[str, Any], parameter: dict[str, Any]) -> None:
    """Add a parameter to an operation, in place of one of the same place and name."""
    listed = operation.setdefault("parameters", [])
    place = (parameter["in"], parameter["name"])
    for index, one in enumerate(listed):
        if (one["in"], one["name"]) == place:
            if "schema" not in parameter and "content" not in parameter:
                parameter["schema"] = one["schema"]
            listed[index] = parameter
            return
    listed.append(parameter)


def _response(status: int, answer: Any, types: Types) -> dict[str, Any]:
    kind, description, whole = _taken_apart(answer)
    response = {name: value for name, value in (whole or {}).items() if name != "model"}
    response["description"] = description or phrase(status)
    if kind is not None:
        schema = types.of(kind, SENT)
        response.setdefault("content", {})["application/json"] = {"schema": schema}
    return response
