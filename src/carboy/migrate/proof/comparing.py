"""Two answers to one request: what differs between them. A pure function.

An answer is equal to itself, whatever it holds; any one change of what is compared is seen. What is
not compared stands in the tables below, with the reason, and in docs/migrating-proof.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urljoin

from carboy.migrate.proof import cookies, values
from carboy.migrate.proof.coding import opened
from carboy.migrate.proof.exchange import Ask, Reply, is_json, is_text
from carboy.migrate.proof.masking import MASKED, Mask, Masks
from carboy.migrate.proof.pages import plain_name

#: Of the server, the moment or the transport, not of the application.
IGNORED = frozenset(
    [
        "date",
        "server",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "x-request-id",
        "x-runtime",
        "server-timing",
        "x-process-time",
        "via",
        "alt-svc",
    ]
)
#: Made from times and places of files, which copies have their own of: there or not is compared.
PRESENCE = frozenset({"etag", "last-modified", "expires"})
#: In any order.
SETS = frozenset({"vary", "allow", "access-control-allow-methods", "access-control-allow-headers"})
#: Compared elsewhere: the cookies one by one, the length as the body's.
ELSEWHERE = frozenset({"set-cookie", "content-length"})
#: Attributes of cookies whose value is a moment.
MOMENTS = frozenset({"expires"})
#: Characters of a value that are shown.
SHOWN = 120
ABSENT = "(none)"


class Found(NamedTuple):
    """One difference: `what` as in "status", "header vary", "cookie session: path", "body a[0]"."""

    what: str
    old: str
    new: str


@dataclass(frozen=True)
class Rules:
    """What counts. `ignore` are more headers to leave out (lower case); with `key_order`, JSON
    objects whose keys are in another order differ. `most` differences are told of one body.
    """

    masks: Masks = field(default_factory=Masks)
    ignore: frozenset[str] = frozenset()
    key_order: bool = False
    most: int = 5


USUAL = Rules()


def differences(ask: Ask, old: Reply, new: Reply, rules: Rules = USUAL) -> list[Found]:
    """Everything that differs, the status first."""
    found: list[Found] = []
    old, new = _plain(old), _plain(new)
    if old.status != new.status:
        found.append(Found("status", str(old.status), str(new.status)))
    masks = tuple(_mask_of(reply, rules.masks) for reply in (old, new))
    found.extend(_headers(ask, old, new, rules, masks))
    found.extend(_cookies(old, new, rules.masks))
    found.extend(_bodies(old, new, rules, masks))
    return found


def _plain(reply: Reply) -> Reply:
    """With its body as it was before it was compressed, where it can be had."""
    coding = reply.header("content-encoding")
    body = reply.body if coding is None else opened(coding, reply.body)
    return reply if body is None else replace(reply, body=body)


def _mask_of(reply: Reply, masks: Masks) -> Mask:
    return masks.of(reply.text or "", "html" in reply.kind)


# -- headers ------------------------------------------------------------------------------------


def _headers(
    ask: Ask, old: Reply, new: Reply, rules: Rules, masks: tuple[Mask, ...]
) -> Iterator[Found]:
    ignored = IGNORED | ELSEWHERE | rules.ignore
    names = dict.fromkeys(name for name, _ in (*old.headers, *new.headers))
    for name in sorted(names):
        if name in ignored:
            continue
        before, after = _values(ask, old, name, masks[0]), _values(ask, new, name, masks[1])
        if before != after:
            yield Found(f"header {name}", *shown(_listed(before), _listed(after)))
    # Elsewhere the body itself is compared.
    if ask.method == "HEAD" and "content-length" not in rules.ignore:
        lengths = [_length(reply) for reply in (old, new)]
        if lengths[0] != lengths[1]:
            yield Found("header content-length", *lengths)


def _length(reply: Reply) -> str:
    length = reply.header("content-length")
    if length is None:
        return ABSENT
    # JSON may be written in more ways than one, and a page may have a token of any length.
    return "(there)" if is_json(reply.kind) or "html" in reply.kind else length


def _values(ask: Ask, reply: Reply, name: str, mask: Mask) -> list[str]:
    found = [mask(value.strip()) for key, value in reply.headers if key == name]
    if name in PRESENCE:
        return ["(there)"] if found else []
    if name in SETS:
        return sorted({one.strip().lower() for value in found for one in value.split(",")} - {""})
    if name == "content-type":
        return [_content_type(value) for value in found]
    if name == "location":
        return [_location(ask, value) for value in found]
    return found


def _content_type(value: str) -> str:
    """Case and blanks do not matter, but in parameters other than the charset."""
    kind, *parameters = value.split(";")
    made = [kind.strip().lower()]
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        name, text = name.strip().lower(), text.strip().strip('"')
        if name == "boundary":
            text = MASKED  # by chance
        made.append(f"{name}={text.lower() if name == 'charset' else text}")
    return "; ".join(made)


def _location(ask: Ask, value: str) -> str:
    """Where it leads, with or without the host that was asked."""
    base = f"http://{ask.header('host') or 'localhost'}"
    resolved = urljoin(f"{base}{ask.target}", value)
    for one in (base, base.replace("http:", "https:", 1)):
        if resolved == one or resolved.startswith((one + "/", one + "?")):
            return resolved[len(one) :] or "/"
    return resolved


def _listed(found: list[str]) -> str:
    return ", ".join(found) if found else ABSENT


# -- cookies ------------------------------------------------------------------------------------


def _cookies(old: Reply, new: Reply, masks: Masks) -> Iterator[Found]:
    before, after = cookies.set_by(old), cookies.set_by(new)
    names = dict.fromkeys(one.name for one in (*before, *after))
    for name in names:
        olds, news = ([c for c in side if c.name == name] for side in (before, after))
        if len(olds) != len(news):
            counts = [f"set {len(side)} times" if side else ABSENT for side in (olds, news)]
            yield Found(f"cookie {name}", *counts)
            continue
        for one, other in zip(olds, news, strict=True):
            yield from _cookie(one, other, masks)


def _cookie(old: cookies.SetCookie, new: cookies.SetCookie, masks: Masks) -> Iterator[Found]:
    name = f"cookie {old.name}"
    if old.is_deleted != new.is_deleted:
        yield Found(name, *("deleted" if one.is_deleted else "set" for one in (old, new)))
        return
    for attribute in sorted({*old.attributes, *new.attributes}):
        before, after = (one.attributes.get(attribute) for one in (old, new))
        if attribute in MOMENTS and before is not None and after is not None:
            continue
        if attribute == "samesite" and (before or "").lower() == (after or "").lower():
            continue
        if before != after:
            said = ["(none)" if one is None else one or "(there)" for one in (before, after)]
            yield Found(f"{name}: {attribute}", *said)
    payloads = cookies.payload(old.value), cookies.payload(new.value)
    if None not in payloads:
        one, other = (masks.json(each) for each in payloads)
        for where, a, b in values.unequal(one, other, 3):
            yield Found(f"{name}: {where or 'payload'}", *shown(a, b))
        return
    texts = [masks.text(one.value) for one in (old, new)]
    if texts[0] != texts[1] and not _is_token(old.name, masks):
        yield Found(f"{name}: value", *shown(*texts))


def _is_token(name: str, masks: Masks) -> bool:
    return plain_name(name) in masks.tokens


# -- bodies -------------------------------------------------------------------------------------


def _bodies(old: Reply, new: Reply, rules: Rules, masks: tuple[Mask, ...]) -> Iterator[Found]:
    if old.cut or new.cut:
        yield from _beginnings(old, new, masks)
        return
    if is_json(old.kind) and is_json(new.kind):
        parsed = values.parsed(old.body), values.parsed(new.body)
        if values.BROKEN not in parsed:
            one, other = map(rules.masks.json, parsed, masks)
            for where, a, b in values.unequal(one, other, rules.most, rules.key_order):
                yield Found(f"body {where}".rstrip(), *shown(a, b))
            return
    texts = old.text, new.text
    if texts[0] is None or texts[1] is None or not _for_people(old, new):
        if old.body != new.body:
            yield _bytes(old.body, new.body)
        return
    yield from _texts(masks[0](texts[0]), masks[1](texts[1]))


def _beginnings(old: Reply, new: Reply, masks: tuple[Mask, ...]) -> Iterator[Found]:
    """Of one of the bodies only the beginning is known: nobody can say more of it."""
    for cut, whole in ((old, new), (new, old)):
        if cut.cut and not whole.cut and len(whole.body) < len(cut.body):
            yield Found("body length", _size(old), _size(new))
            return
    size = min(len(old.body), len(new.body))
    bodies = old.body[:size], new.body[:size]
    if not _for_people(old, new):
        if bodies[0] != bodies[1]:
            yield _bytes(*bodies)
        return
    # A character may have been cut in two, and tokens may have several lengths.
    one, other = (
        mask(body.decode("utf-8", "replace")) for mask, body in zip(masks, bodies, strict=True)
    )
    length = max(0, min(len(one), len(other)) - 2)
    yield from _texts(one[:length], other[:length])


def _size(reply: Reply) -> str:
    return f"{'more than ' if reply.cut else ''}{len(reply.body)} bytes"


def _for_people(old: Reply, new: Reply) -> bool:
    return any(is_text(reply.kind) or not reply.kind for reply in (old, new))


def _bytes(old: bytes, new: bytes) -> Found:
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
    at = min(len(old), len(new)) if at is None else at
    said = [
        f"{len(one)} bytes, at {at}: {one[at : at + 16].hex(' ') or 'end'}" for one in (old, new)
    ]
    return Found("body", *said)


def _texts(old: str, new: str) -> Iterator[Found]:
    if old == new:
        return
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    number = next(
        (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    lines = [side[number] if number < len(side) else "(end)" for side in (before, after)]
    yield Found(f"body line {number + 1}", *shown(*lines))


_BLANK = re.compile(r"[\r\n\t]")


def shown(old: Any, new: Any) -> tuple[str, str]:
    """Both as short texts, around the first character that differs."""
    a, b = str(old), str(new)
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    start = min(len(a), len(b)) if start is None else start
    begin = max(0, start - SHOWN // 3) if max(len(a), len(b)) > SHOWN else 0
    return _excerpt(a, begin), _excerpt(b, begin)


def _excerpt(text: str, begin: int) -> str:
    part = text[begin : begin + SHOWN]
    part = _BLANK.sub(lambda match: repr(match[0])[1:-1], part)
    return f"{'…' if begin else ''}{part}{'…' if begin + SHOWN < len(text) else ''}"
