"""Whether a value holds nothing but what its type declares, and what to do where it does.

SAFETY: msgspec writes an instance by its own class, wherever it stands, so that a subclass shows
what was never declared. A Shape knows the classes that a type allows at each place. `holds` is
asked of answers; what it refuses, `narrow` takes apart into declared fields, to be read anew.
"""

from __future__ import annotations

import builtins
import datetime
import decimal
import uuid
from collections.abc import Callable, Collection, Iterable
from typing import Any, get_origin

import msgspec
from msgspec import inspect
from pydantic import BaseModel

_SEQUENCES = (list, tuple, set, frozenset)


def _as_it_is(value: Any) -> Any:
    return value


class Shape:
    """What may stand at one place. Filled while types are still being read: they may be recursive.

    `kinds` are the classes allowed, None for any; `looks` are further questions, by class.
    """

    __slots__ = ("classes", "kinds", "looks", "narrow", "risky")

    def __init__(self, kinds: Iterable[type[Any]] | None = None) -> None:
        self.kinds = None if kinds is None else frozenset(kinds)
        self.looks: dict[type[Any], Callable[[Any], bool]] = {}
        #: (value) -> data of declared fields only, or the value.
        self.narrow: Callable[[Any], Any] = _as_it_is
        #: Whether instances of subclasses would show more than was declared.
        self.risky = False

    def holds(self, value: Any) -> bool:
        """Whether `value` and all within is of exactly the declared classes."""
        if not self.risky or self.kinds is None:
            return True
        kind = type(value)
        if kind not in self.kinds:
            return False
        look = self.looks.get(kind)
        return look is None or look(value)

    def holds_all(self, values: Collection[Any]) -> bool:
        """`holds` for each."""
        if not self.risky or self.kinds is None:
            return True
        # PERF: the classes of a list are looked at in C.
        return self.kinds.issuperset(map(type, values)) and (
            not self.looks or all(map(self.holds, values))
        )


_NONE = type(None)
_LEAVES: dict[type[Any], tuple[type[Any], ...]] = {
    inspect.NoneType: (_NONE,),
    inspect.BoolType: (bool,),
    inspect.IntType: (int,),
    inspect.FloatType: (float, int),
    inspect.StrType: (str,),
    inspect.BytesType: (bytes,),
    inspect.ByteArrayType: (bytearray,),
    inspect.MemoryViewType: (memoryview,),
    inspect.DateTimeType: (datetime.datetime,),
    inspect.DateType: (datetime.date,),
    inspect.TimeType: (datetime.time,),
    inspect.TimeDeltaType: (datetime.timedelta,),
    inspect.UUIDType: (uuid.UUID,),
    inspect.DecimalType: (decimal.Decimal,),
}


def shape_of(node: Any) -> Shape:
    """The Shape of a type, from what msgspec says of it."""
    return _Reader({}).shape(node)


class _Reader:
    """One type, and the types it leads to: each node once.

    A method a kind of node, named as it is; they return whether instances are `risky`.
    """

    def __init__(self, known: dict[int, Shape]) -> None:
        self.known = known

    def shape(self, node: Any) -> Shape:
        if isinstance(node, inspect.Metadata):
            return self.shape(node.type)
        if id(node) in self.known:
            return self.known[id(node)]
        if (leaf := _LEAVES.get(type(node))) is not None:
            return Shape(leaf)
        made = self.known[id(node)] = Shape()
        if (read := getattr(self, f"_{type(node).__name__}", None)) is not None:
            # Until it is known, and for types within that lead back to it.
            made.risky = True
            made.risky = bool(read(node, made))
        return made

    def _EnumType(self, node: Any, made: Shape) -> bool:  # noqa: N802 - named as msgspec's nodes
        made.kinds = frozenset({node.cls})
        return False

    def _LiteralType(self, node: Any, made: Shape) -> bool:  # noqa: N802
        made.kinds = frozenset(map(type, node.values))
        return False

    def _CustomType(self, node: Any, made: Shape) -> bool:  # noqa: N802
        cls = node.cls
        if not (isinstance(cls, type) and issubclass(cls, BaseModel)):
            return False
        made.kinds = frozenset({cls})
        dump = cls.__pydantic_serializer__.to_python

        def narrow(value: Any) -> Any:
            return dump(value, by_alias=True) if isinstance(value, cls) else value

        made.narrow = narrow
        return True

    def _StructType(self, node: Any, made: Shape) -> bool:  # noqa: N802
        cls = get_origin(node.cls) or node.cls
        fields = self._fields(node, made, cls)
        tag = {} if node.tag_field is None else {node.tag_field: node.tag}

        def narrow(value: Any) -> Any:
            if not isinstance(value, cls):
                return value
            values = {one: shape.narrow(getattr(value, name)) for name, one, shape in fields}
            if node.array_like:
                return [*tag.values(), *values.values()]
            return tag | {key: one for key, one in values.items() if one is not msgspec.UNSET}

        made.narrow = narrow
        return True

    def _DataclassType(self, node: Any, made: Shape) -> bool:  # noqa: N802
        cls = get_origin(node.cls) or node.cls
        fields = self._fields(node, made, cls)
        if hasattr(cls, "__attrs_attrs__"):
            # SAFETY: of these msgspec writes whatever has been set on the instance.
            names = frozenset(name for name, _, _ in fields)
            look = made.looks.get(cls)

            def looks_right(value: Any) -> bool:
                return names.issuperset(getattr(value, "__dict__", ())) and (
                    look is None or look(value)
                )

            made.looks[cls] = looks_right

        def narrow(value: Any) -> Any:
            if not isinstance(value, cls):
                return value
            found = ((name, one, shape) for name, one, shape in fields if hasattr(value, name))
            return {one: shape.narrow(getattr(value, name)) for name, one, shape in found}

        made.narrow = narrow
        return True

    def _NamedTupleType(self, node: Any, made: Shape) -> bool:  # noqa: N802
        fields = self._fields(node, made, node.cls)

        def narrow(value: Any) -> Any:
            if not isinstance(value, node.cls):
                return value
            return [shape.narrow(getattr(value, name)) for name, _, shape in fields]

        made.narrow = narrow
        return True

    def _fields(self, node: Any, made: Shape, cls: type[Any]) -> list[tuple[str, str, Shape]]:
        """(attribute, name in JSON, Shape) of each; instances of exactly `cls` hold."""
        made.kinds = frozenset({cls})
        fields = [(one.name, one.encode_name, self.shape(one.type)) for one in node.fields]
        inner = [(name, shape) for name, _, shape in fields if shape.risky]
        if inner:

            def look(value: Any) -> bool:
                return all(shape.holds(getattr(value, name)) for name, shape in inner)

            made.looks[cls] = look
        return fields

    def _TypedDictType(self, node: Any, made: Shape) -> bool:  # noqa: N802
        made.kinds = frozenset({dict})
        fields = {one.encode_name: self.shape(one.type) for one in node.fields}

        def look(value: Any) -> bool:
            # SAFETY: msgspec writes every key that is there.
            return value.keys() <= fields.keys() and all(
                fields[name].holds(one) for name, one in value.items()
            )

        def narrow(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            return {name: fields[name].narrow(one) for name, one in value.items() if name in fields}

        made.looks[dict], made.narrow = look, narrow
        return True

    def _sequence(self, node: Any, made: Shape) -> bool:
        made.kinds = frozenset(_SEQUENCES)
        inner = self.shape(node.item_type)
        if not inner.risky:
            return False
        made.looks = dict.fromkeys(_SEQUENCES, inner.holds_all)

        def narrow(value: Any) -> Any:
            return list(map(inner.narrow, value)) if isinstance(value, _SEQUENCES) else value

        made.narrow = narrow
        return True

    _ListType = _SetType = _FrozenSetType = _VarTupleType = _CollectionType = _sequence

    def _TupleType(self, node: Any, made: Shape) -> bool:  # noqa: N802
        made.kinds = frozenset({tuple})
        inner = [self.shape(one) for one in node.item_types]
        if not any(one.risky for one in inner):
            return False

        def look(value: Any) -> bool:
            return all(shape.holds(one) for shape, one in zip(inner, value, strict=False))

        def narrow(value: Any) -> Any:
            if not isinstance(value, tuple):
                return value
            return [shape.narrow(one) for shape, one in zip(inner, value, strict=False)]

        made.looks, made.narrow = {tuple: look}, narrow
        return True

    def _FrozenDictType(self, node: Any, made: Shape) -> bool:  # noqa: N802
        return self._DictType(node, made, getattr(builtins, "frozendict", dict))

    def _DictType(self, node: Any, made: Shape, kind: Any = dict) -> bool:  # noqa: N802
        made.kinds = frozenset({kind})
        inner = self.shape(node.value_type)
        if not inner.risky:
            return False

        def look(value: Any) -> bool:
            return inner.holds_all(value.values())

        def narrow(value: Any) -> Any:
            if not isinstance(value, kind):
                return value
            return {key: inner.narrow(one) for key, one in value.items()}

        made.looks, made.narrow = {kind: look}, narrow
        return True

    def _UnionType(self, node: Any, made: Shape) -> bool:  # noqa: N802
        members = [self.shape(one) for one in node.types]
        if any(one.kinds is None for one in members):
            return False
        made.kinds = frozenset(kind for one in members for kind in one.kinds or ())
        for one in members:
            if one.risky:
                made.looks.update(dict.fromkeys(one.kinds or (), one.holds))

        def narrow(value: Any) -> Any:
            kind = type(value)
            near = [one for one in members if kind in (one.kinds or ())] or [
                one for one in members if isinstance(value, tuple(one.kinds or ()))
            ]
            return near[0].narrow(value) if near else value

        made.narrow = narrow
        return any(one.risky for one in members)
