"""Classes of WTForms that a view validates, as schemas: what the class says of its fields.

WTForms is not imported: its classes are known by their names. SAFETY: no form is made and no
validator called; choices that are computed stay unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

from carboy.sources import View
from carboy.sources.found import innermost

#: Classes of fields, the most special first in a class's MRO, as JSON Schema. None: no input.
_FIELDS: dict[str, dict[str, Any] | None] = {
    "SubmitField": None,
    "ButtonField": None,
    "IntegerField": {"type": "integer"},
    "IntegerRangeField": {"type": "integer"},
    "DecimalField": {"type": "number"},
    "FloatField": {"type": "number"},
    "BooleanField": {"type": "boolean"},
    "DateField": {"type": "string", "format": "date"},
    "TimeField": {"type": "string"},
    "EmailField": {"type": "string", "format": "email"},
    "URLField": {"type": "string", "format": "uri"},
    "PasswordField": {"type": "string", "format": "password"},
    "SelectMultipleField": {"type": "array", "items": {"type": "string"}},
    "MultipleFileField": {
        "type": "array",
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
    },
    "FileField": {"type": "string", "contentMediaType": "application/octet-stream"},
}
_FILES = frozenset(("FileField", "MultipleFileField"))


class Fields:
    """The fields of all forms of one view: properties, those that are required, files or not."""

    def __init__(self) -> None:
        self.properties: dict[str, Any] = {}
        self.required: list[str] = []
        self.has_files = False


def fields_of(function: Any, view: View, method: str) -> Fields:
    """What the forms ask for that `view` validates; `function` is where it was read from."""
    found = Fields()
    for name, guard in view.forms:
        if guard.lets(method):
            for field_name, field in _unbound(_class_of(function, name)):
                _add(found, field_name, field)
    return found


def _class_of(function: Any, name: str) -> Any:
    names = getattr(innermost(function), "__globals__", {})
    return names.get(name.rpartition(".")[2])


def _unbound(cls: Any) -> Iterator[tuple[str, Any]]:
    """(name, field) in the order in which they were written."""
    if not isinstance(cls, type):
        return
    found = {
        name: one
        for base in reversed(cls.__mro__)
        for name, one in vars(base).items()
        if type(one).__name__ == "UnboundField"
    }
    yield from sorted(found.items(), key=lambda item: int(item[1].creation_counter))


def _add(found: Fields, name: str, field: Any) -> None:
    kinds = [base.__name__ for base in field.field_class.__mro__]
    kind = next((one for one in kinds if one in _FIELDS), "")
    schema = _FIELDS.get(kind, {"type": "string"})
    if schema is None:
        return
    schema = dict(schema)
    if "SelectField" in kinds and (choices := _choices(field)):
        schema["enum"] = choices
    for validator in _validators(field):
        if _apply(schema, validator):
            found.required.append(name)
    found.has_files = found.has_files or kind in _FILES
    found.properties[name] = schema


def _validators(field: Any) -> list[Any]:
    given = field.kwargs.get("validators", field.args[1] if len(field.args) > 1 else ())
    return list(given) if isinstance(given, list | tuple) else []


def _apply(schema: dict[str, Any], validator: Any) -> bool:
    """Add what a validator says to the schema; gives whether it requires a value."""
    kind = type(validator).__name__
    if kind in ("Length", "NumberRange"):
        names = ("minLength", "maxLength") if kind == "Length" else ("minimum", "maximum")
        limits = zip(names, (validator.min, validator.max), strict=True)
        # WTForms' -1 is no limit of a length.
        least = 0 if kind == "Length" else -inf
        schema |= {name: n for name, n in limits if isinstance(n, int | float) and n >= least}
    elif kind == "Email":
        schema.setdefault("format", "email")
    return kind in ("DataRequired", "InputRequired", "FileRequired")


def _choices(field: Any) -> list[str]:
    given = field.kwargs.get("choices")
    if not isinstance(given, list | tuple):
        return []
    values = [one[0] if isinstance(one, tuple) else one for one in given]
    return [str(one) for one in values]
