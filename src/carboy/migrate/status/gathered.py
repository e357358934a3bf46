"""From a path to a Status: the converter's plan, and what the sources say beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from carboy.migrate.convert.planning import reports
from carboy.migrate.convert.project import Project
from carboy.migrate.convert.text import deep
from carboy.migrate.report import ViewReport
from carboy.migrate.status.counted import Row, Status
from carboy.sources import ModuleFacts, Rule, View, read_module
from carboy.sources.declared import VERBS, Class
from carboy.sources.imports import absolute

#: Places of values, as views name them. What is in a URL is no use of Flask's.
_PLACES = {"query": "request.args", "form": "request.form", "values": "request.values"}
_PLACES |= {"file": "request.files", "header": "request.headers", "cookie": "request.cookies"}
_PLACES |= {"json": "request.json", "session": "session", "g": "g"}
#: What nearly every view calls, and a typed route may call as well.
_USUAL = frozenset(("render_template", "url_for", "redirect", "jsonify", "abort", "make_response"))
_USUAL |= {"flash", "send_file", "send_from_directory", "Response", "stream_with_context"}
_USUAL |= {"get_flashed_messages", "render_template_string"}
#: Packages that are no part of Flask: what is used of them stays as it is.
_OTHERS = ("werkzeug.", "sqlalchemy.", "requests.", "time.", "urllib.", "wtforms.", "marshmallow.")
_PROXIES = frozenset(("session", "g", "current_app", "flask_login.current_user"))
#: Calls that make something whose `get`, `post` ... are typed.
_TYPED = ("fastapi.FastAPI", "APIRouter", "carboy.App", "app.App")
#: What marks methods of class views.
_MARKS = ("view", "carboy.view", "carboy.fastapi.views.view")
_CLASS_VIEWS = ("views.MethodView", "views.View", "flask.MethodView", "flask.View", ".Resource")
_CLASS_REASON = "a class of views ({}), which the converter leaves as it is"
_UNSEEN = "a class of views (MethodView), and no add_url_rule() that can be followed leads to it"


@deep()
def gather(path: str | Path) -> Status:
    """How far the project at `path` (a folder or a file) is. FileNotFoundError without one."""
    if not Path(path).exists():
        raise FileNotFoundError(path)
    project = Project.read(Path(path))
    planned, typed = reports(project)
    #: (module, function) -> paths, prefixes of every kind included.
    paths: dict[tuple[str, str], list[str]] = {}
    for route in typed:
        paths.setdefault((route.source.name, route.function.name.value), []).append(route.path)
    files = {one.name: one.path for one in project.relevant}
    facts = {name: read_module(file) for name, file in files.items()}
    shown = {name: _relative(file, project.root) for name, file in files.items()}
    status = Status(str(project.root), broken=dict(project.broken))
    views = {(name, rule.view.line): rule.view for name, one in facts.items() for rule in one.rules}
    for report in planned:
        view = views.get((report.module, report.line))
        status.rows.append(_planned(report, shown.get(report.module, ""), view))
    owners = _Owners(facts, files)
    for name, one in facts.items():
        for rule in one.rules:
            if owners.is_typed(name, rule):
                cls = next((cls for cls in one.classes if _has(cls, rule)), None)
                known = paths.get((name, rule.view.name), ())
                ends = (one.removesuffix(rule.text or "") for one in known if _ends(one, rule))
                prefix = next(ends, owners.prefix(name, rule))
                status.rows.append(_typed(name, shown[name], rule, prefix, cls))
        for cls in one.classes:
            status.rows += _class_rows(name, shown[name], cls, planned)
    status.rows.sort(key=lambda row: (row.module, row.line))
    return status


def _ends(path: str, rule: Rule) -> bool:
    return rule.text is not None and path.endswith(rule.text)


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)


def _planned(report: ViewReport, file: str, view: View | None) -> Row:
    uses = {use for use in report.uses if use not in _USUAL}
    if view is not None:
        uses |= set(uses_of(view))
    if "request.json" in uses:
        uses.discard("request.get_json")
    # The plan and the sources name some things each in their way: once is enough.
    uses -= {use.removeprefix("flask_sqlalchemy.") for use in uses if use.startswith("flask_sql")}
    if "flask_sqlalchemy.Model.query" in uses and any(map(_is_query, uses)):
        uses.discard("flask_sqlalchemy.Model.query")
    return Row(
        report.module,
        file,
        report.line,
        report.endpoint,
        report.function,
        report.methods,
        report.rules,
        "converts" if report.converts else "person",
        report.blueprint,
        sorted(uses),
        report.reasons,
        report.notes,
    )


def _is_query(use: str) -> bool:
    return use.endswith(".query") and not use.startswith("flask_sqlalchemy.")


def uses_of(view: View) -> Iterator[str]:
    """What a view uses of Flask and its extensions, in a word each."""
    for read in view.reads:
        yield _PLACES[read.place]
    for place, _, _ in view.whole:
        yield _PLACES[place]
    for use in view.uses:
        if use.name == "request":
            # get_json() is the JSON that was noted; the method is the rule's.
            if use.detail not in (None, "get_json"):
                yield f"request.{use.detail.partition('.')[0]}"
        elif use.name == "query":
            yield f"{use.detail}.query"
        elif use.name not in _USUAL and not f"{use.name}.".startswith(_OTHERS):
            yield use.name


def _has(cls: Class, rule: Rule) -> bool:
    return cls.line <= rule.view.line <= cls.end


def _typed(module: str, file: str, rule: Rule, prefix: str, cls: Class | None) -> Row:
    uses = sorted(set(uses_of(rule.view)))
    proxies = [use for use in uses if _is_proxy(use)]
    own = {use for use in uses_of(_without_helpers(rule.view)) if _is_proxy(use)}
    notes = [f"still uses {', '.join(sorted(own))} of Flask's"] if own else []
    if below := [use for use in proxies if use not in own]:
        helpers = ", ".join(rule.view.helpers)
        notes.append(f"what it calls ({helpers}) uses {', '.join(below)} of Flask's")
    endpoint, blueprint = str(rule.endpoint), str(rule.endpoint).rpartition(".")[0] or None
    if cls is not None:
        endpoint, blueprint = f"{cls.name}.{rule.view.name}", None
        if rule.maker in _MARKS and cls.texts:  # its text is added to the class's
            prefix = cls.texts[0]
    return Row(
        module,
        file,
        rule.view.line,
        endpoint,
        rule.view.name,
        list(rule.methods) or [rule.verb.upper()],
        [prefix + rule.text] if rule.text is not None else [],
        "half" if own else "typed",
        blueprint,
        uses,
        [],
        notes,
    )


def _is_proxy(use: str) -> bool:
    return use in _PROXIES or use.startswith("request.")


def _without_helpers(view: View) -> View:
    """Only what stands in the view itself."""

    def within(line: int) -> bool:
        return view.line <= line <= view.end

    return replace(
        view,
        reads=tuple(one for one in view.reads if within(one.line)),
        whole=tuple(one for one in view.whole if within(one[1])),
        uses=tuple(one for one in view.uses if within(one.line)),
    )


def _class_rows(module: str, file: str, cls: Class, views: list[ViewReport]) -> Iterator[Row]:
    """Methods of a class of views that the converter's plan does not have."""
    base = next((one for one in cls.bases if one.endswith(_CLASS_VIEWS)), None)
    planned = any(v.module == module and cls.line <= v.line <= cls.end for v in views)
    named = any(v.module == module and v.function.partition(".")[0] == cls.name for v in views)
    if base is None or planned or named:
        return
    kind = base.rpartition(".")[2]
    reason = _UNSEEN if kind == "MethodView" else _CLASS_REASON.format(kind)
    for name, line in cls.members.items():
        if name in VERBS or name == "dispatch_request":
            yield Row(
                module,
                file,
                line,
                f"{cls.name}.{name}",
                f"{cls.name}.{name}",
                [name.upper()] if name in VERBS else [],
                [text for text in cls.texts if text.startswith("/")],
                "person",
                reasons=[reason],
            )


class _Owners:
    """What routes are declared on, across modules."""

    def __init__(self, facts: dict[str, ModuleFacts], files: dict[str, Path]) -> None:
        self._made = {
            (module, made.variable): made.call.name
            for module, one in facts.items()
            for made in one.made
        }
        self._prefixes = {
            (module, made.variable): str(made.call.keywords.get("prefix") or "")
            for module, one in facts.items()
            for made in one.made
        }
        self._packages = {
            name: name if file.name == "__init__.py" else name.rpartition(".")[0]
            for name, file in files.items()
        }

    def is_typed(self, module: str, rule: Rule) -> bool:
        """Whether a rule is a typed route's."""
        if rule.verb not in VERBS and rule.verb != "api_route":
            return False
        maker = rule.maker
        if maker in _MARKS:
            return True
        for _ in range(5):  # imported from where it was imported
            if maker.removesuffix("()").endswith(_TYPED):
                return True
            home, _, name = absolute(maker, self._packages[module]).rpartition(".")
            found = self._made.get((home or module, name))
            if found is None or found == maker:
                return False
            maker, module = found, home or module
        return False

    def prefix(self, module: str, rule: Rule) -> str:
        """The prefix that the router of a rule was made with, here or where it is imported from."""
        home, _, name = absolute(rule.maker, self._packages[module]).rpartition(".")
        here = self._prefixes.get((module, rule.owner))
        return self._prefixes.get((home, name), "") if here is None else here
