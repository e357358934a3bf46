"""One request to two applications, and what differed: `Bench` asks, compares and keeps the account.

The sides are whatever has `ask`; where they run is process.py's. A request carries what the
reference issued: the old side's answers, or a record's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from carboy.migrate.proof import carrying
from carboy.migrate.proof.carrying import Carried
from carboy.migrate.proof.comparing import Found, Rules, differences
from carboy.migrate.proof.exchange import Ask, Exchange, Reply
from carboy.migrate.proof.process import Gone
from carboy.migrate.proof.redaction import Redaction
from carboy.migrate.report import Difference, VerifyReport, ViewProof

#: What requests are counted under that no route of the new application takes.
NO_ROUTE = "(no route)"


class Stopped(Exception):
    """No more can be compared; the message says why."""


class Asked(Protocol):
    """A side: an application that can be asked."""

    def ask(self, ask: Ask) -> tuple[Reply, str | None]:
        """The answer, and the endpoint's name. Gone: there is none."""

    def logged(self) -> str:
        """What it has logged since."""


@dataclass
class Options:
    """How requests are made and compared.

    `secrets` stand, by field or header, where a record has placeholders. With `hand_over` the new
    side gets the old side's cookies and tokens: users who are logged in while versions change.
    `against_record` compares to the recorded answers too.
    """

    rules: Rules = field(default_factory=Rules)
    secrets: dict[str, str] = field(default_factory=dict)
    hand_over: bool = False
    against_record: bool = False


class Bench:
    """Both sides; `old` is None where only a record is compared to."""

    def __init__(self, old: Asked | None, new: Asked, options: Options) -> None:
        self._old = old
        self._new = new
        self._options = options
        self._old_carries = Carried()
        self._new_carries = Carried()
        # The same secrets have the same placeholders; which, nobody will ever know.
        self._redaction = Redaction(b"compared")
        self.report = VerifyReport()
        #: Requests with secrets that a record left out and nobody issued.
        self.unknown = 0
        #: What the old side last said of an answer 500.
        self.old_error = ""

    def replay(self, exchanges: Iterable[Exchange]) -> None:
        """Ask what was recorded, in its order. Stopped: as `ask`."""
        for exchange in sorted(exchanges, key=lambda one: one.at):
            if not exchange.ask.cut:
                self.ask(carrying.fill(exchange.ask, self._options.secrets), exchange.reply)

    def ask(self, ask: Ask, recorded: Reply | None = None) -> Reply:
        """Ask both, compare; returns the reference's answer. Stopped: a side is gone."""
        old_ask = ask
        old: Reply | None = None
        if self._old is not None:
            old_ask = ask if recorded is None else self._old_carries.put(ask)
            try:
                old, _ = self._old.ask(old_ask)
            except Gone as error:
                raise Stopped(f"the old application: {error} ({_title(ask)})") from None
            if recorded is not None:
                self._old_carries.learn(recorded, old)
        new_ask = old_ask if self._options.hand_over else self._new_carries.put(ask)
        if carrying.unknown(new_ask):
            self.unknown += 1
        try:
            new, endpoint = self._new.ask(new_ask)
        except Gone as error:
            known = old or recorded
            status = "" if known is None else str(known.status)
            self._note(ask, None, [Found("answer", status, f"(none: {error})")])
            raise Stopped(f"the new application: {error} ({_title(ask)})") from None
        reference = recorded if recorded is not None else old
        assert reference is not None, "there is an old side, or a record"
        self._new_carries.learn(reference, new)
        found = self._compared(new_ask, old, new, recorded)
        self._note(ask, endpoint, found)
        if new.status >= 500 and reference_of(old, recorded).status >= 500:
            self.report.views[endpoint or NO_ROUTE].failed += 1
        return reference

    def _compared(
        self, ask: Ask, old: Reply | None, new: Reply, recorded: Reply | None
    ) -> list[Found]:
        rules = self._options.rules
        found = [] if old is None else differences(ask, old, new, rules)
        if recorded is not None and (old is None or self._options.against_record):
            plain = self._redaction.redact(Exchange(ask, new))
            then = differences(plain.ask, recorded, plain.reply, rules)
            known = {one.what for one in found}
            found += [one for one in then if one.what not in known]
        was = "" if self._old is None or old is None else last_error(self._old.logged())
        now = last_error(self._new.logged())
        if old is None or old.status < 500:
            was = ""
        if new.status < 500:
            now = ""
        self.old_error = was or self.old_error
        # A status of the record's has nothing to do with the old side's error.
        mine = "" if old is None else str(old.status)
        return [
            one
            if one.what != "status"
            else one._replace(
                old=_with(one.old, was if one.old == mine else ""), new=_with(one.new, now)
            )
            for one in found
        ]

    def _note(self, ask: Ask, endpoint: str | None, found: list[Found]) -> None:
        report = self.report
        report.exchanges += 1
        proof = report.views.setdefault(endpoint or NO_ROUTE, ViewProof())
        proof.requests += 1
        proof.differences += [Difference(ask.method, ask.target, *one) for one in found]


def reference_of(old: Reply | None, recorded: Reply | None) -> Reply:
    """What the new side was compared to: the old side's answer, else the record's."""
    found = old or recorded
    assert found is not None, "there is an old side, or a record"
    return found


def last_error(log: str) -> str:
    """The line of a log that names the last error: what comes after a traceback's last frame."""
    lines = log.splitlines()
    frames = [at for at, line in enumerate(lines) if line.startswith("  File ")]
    after = [line for line in lines[frames[-1] :] if line[:1].strip()] if frames else []
    return after[0] if after else lines[-1] if lines else ""


def _with(status: str, error: str) -> str:
    return f"{status} ({error})" if error else status


def _title(ask: Ask) -> str:
    return f"{ask.method} {ask.target}"


def made_from(routes: Iterable[dict[str, Any]], values: dict[str, list[str]]) -> list[Ask]:
    """GET requests for routes, with `values` for their variables; routes without are left out."""
    asks: dict[str, Ask] = {}
    for route in routes:
        if route["methods"] and "GET" not in route["methods"]:
            continue
        for path in _filled(route["path"], list(route["variables"]), values):
            asks.setdefault(path, Ask("GET", path, headers=(("host", "localhost"),)))
    return list(asks.values())


def _filled(path: str, variables: list[str], values: dict[str, list[str]]) -> list[str]:
    paths = [path]
    for name in variables:
        paths = [
            one.replace(f"{{{name}}}", value) for one in paths for value in values.get(name, ())
        ]
    return [one for one in paths if one.startswith("/")]


def thorough(asks: Iterable[Ask]) -> list[Ask]:
    """The same paths by other methods, with the other slash, and one that nobody answers."""
    made: list[Ask] = []
    for ask in asks:
        other = ask.path[:-1] if ask.path.endswith("/") else ask.path + "/"
        made += [ask, *(Ask(one, ask.path, "", ask.headers) for one in ("HEAD", "OPTIONS", "PUT"))]
        if other:
            made.append(Ask("GET", other, "", ask.headers))
    return [*made, Ask("GET", "/carboy-verify-nothing-here", "", (("host", "localhost"),))]
