"""Models' schemas of two origins in one `components`: names that clash, and references to them."""

from __future__ import annotations

from typing import Any

PREFIX = "#/components/schemas/"


def free(name: str, taken: set[str]) -> str:
    """`name`, or it with a number where it is taken; taken from now on."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found)
    return found


def names_beside(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, str]:
    """What our schemas are called beside theirs; one that is the same is the same."""
    taken = set(theirs) | set(ours)
    return {
        name: name if theirs.get(name, schema) == schema else free(name, taken)
        for name, schema in ours.items()
    }


def referring(value: Any, names: dict[str, str]) -> Any:
    """A copy whose references have the new names."""
    if isinstance(value, list):
        return [referring(one, names) for one in value]
    if isinstance(value, str) and value.startswith(PREFIX):
        # `$ref` and the values of a discriminator's `mapping`; nothing else begins like this.
        name = value.removeprefix(PREFIX)
        return PREFIX + names.get(name, name)
    if isinstance(value, dict):
        return {key: referring(one, names) for key, one in value.items()}
    return value


def used(value: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The definitions that are referred to, from here or from one another."""
    found: dict[str, Any] = {}
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, str) and one.startswith(PREFIX):
            name = one.removeprefix(PREFIX)
            if name in definitions and name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return found
