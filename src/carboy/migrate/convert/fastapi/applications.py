"""The application itself: `FastAPI()` with Flask's habits, static files, session, error handlers.

What is done here: the call of `Flask`, `secret_key`, `errorhandler`, `run`, and functions of
Flask's in code beside views that `kept` has as well. Whatever else an application is asked for is
left for obstacles.py to find.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.fastapi.config import START, loggers, settings
from carboy.migrate.convert.fastapi.handlers import handler
from carboy.migrate.convert.fastapi.provided import application, folder_of
from carboy.migrate.convert.fastapi.typed import OPTIONS, typed_view
from carboy.migrate.convert.fastapi.views import logger
from carboy.migrate.convert.found import Found, Owner
from carboy.migrate.convert.functions import KEPT
from carboy.migrate.convert.modules import Edits
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.ranks import PAGES, takes
from carboy.migrate.convert.text import Arguments, code, expression, index_of, text_of

#: Arguments of `Flask(...)` that are of no meaning any more, or are looked at here.
_KNOWN = {"import_name", "static_folder", "static_url_path", "template_folder"}
_DROPPED = {"instance_relative_config", "root_path"}
_OF_AN_APP = {"flask_habits", *OPTIONS}
Told = tuple[Source, cst.CSTNode, str]


@dataclass
class Applications:
    """Changes what belongs to applications, and says what is in the way."""

    found: Found
    edits: dict[str, Edits]
    drafts: list[Draft]
    obstacles: list[Told] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: How often a secret key was assigned.
    secrets: int = 0
    #: Whether a view that is typed already seems to use the session.
    is_session_typed: bool = False
    #: Whether a module asks for the configuration.
    is_configured: bool = False

    def change(self) -> None:
        """All of it, in every module."""
        owner = application(self.found)
        apps = [one for one in self.found.owners.values() if one.call and one.is_application]
        for one in apps:
            assert one.call is not None
            if owner is None:
                told = (one.source, one.call, f"{one.name} is one of several applications")
                self.obstacles.append(told)
            self._create(one, one.call)
        self.typed()
        for source in self.found.project.sources.values():
            for node in source.nodes:
                self._look_at(source, node)
            self._settings(source)
        self._look_at_session(apps)
        self._look_at_config(apps)

    @property
    def _has_session(self) -> bool:
        uses = {one.partition(".")[0] for draft in self.drafts for one in draft.uses}
        return "session" in uses or self.is_session_typed

    def typed(self) -> None:
        """Views that are typed already."""
        owner = application(self.found)
        if not any(one.is_application for one in self.found.owners.values()):
            return  # it has left already
        if self.found.typed:
            count = len(self.found.typed)
            self.notes.append(f"{count} views are typed already, and need Carboy no longer")
        for route in self.found.typed:
            own = self.edits[route.source.name]
            if owner is None:
                break
            if not isinstance(route.function, cst.FunctionDef):
                what = f"{route.function.name.value} is a class view, which FastAPI has not"
                self.obstacles.append((route.source, route.function, what))
                continue
            draft = typed_view(self.found, route, owner)
            for reason in draft.reasons:
                what = f"{draft.view.name}: {reason}"
                self.obstacles.append((route.source, route.function, what))
            if draft.function is not route.function:
                own.functions[route.function] = draft.function
                own.needs.update(draft.imports)
            self.is_session_typed |= ".session" in code(draft.function)

    def _create(self, owner: Owner, call: cst.Call) -> None:
        given, own = Arguments(call.args), self.edits[owner.source.name]
        extra = sorted(set(given.named) - _KNOWN - _DROPPED)
        kept: list[str] = []
        if owner.is_app_class:
            kept = [f"{key}={code(given.named[key])}" for key in extra if key not in _OF_AN_APP]
        elif extra or not given.is_plain:
            what = f"Flask(...) is given {', '.join(extra) or '*'}"
            self.obstacles.append((owner.source, call, what))
        pages = [page for page in PAGES if any(takes(one, page) for one in self.drafts)]
        new = ", ".join(page for page in PAGES if page not in pages)
        if new and not owner.is_app_class:
            self.notes.append(f"FastAPI's own pages are new: {new}")
        kept += [f"{PAGES[page]}=None" for page in pages if PAGES[page] not in given.named]
        options = ", ".join(kept)
        own.replaced[call] = expression(f"{own.need('fastapi', 'FastAPI')}({options})")
        after: list[str] = []
        if not owner.is_app_class or code(given.named.get("flask_habits", call)) == "True":
            after = [f"{own.need(*self.found.kept)}.habits({owner.name})"]
        static = folder_of(self.found, "static_folder", "static")
        if static is not None and static.is_dir():
            parts = "".join(
                f' / "{one}"' for one in static.relative_to(owner.source.path.parent).parts
            )
            files = own.need("fastapi.staticfiles", "StaticFiles")
            where = f"{own.need('pathlib', 'Path')}(__file__).parent{parts}"
            url = text_of(given.named.get("static_url_path")) or f"/{static.name}"
            text = f'{files}(directory={where}), name="static"'
            after.append(f'{owner.name}.mount("{url.rstrip("/")}", {text})')
        own.after.setdefault(call, [])[:0] = after

    def _look_at(self, source: Source, node: cst.CSTNode) -> None:
        own = self.edits[source.name]
        if isinstance(node, cst.Assign) and len(node.targets) == 1:
            secret = self._secret(source, node.targets[0].target)
            if secret is not None:
                self._session(own, node, secret, code(node.value))
                self.secrets += 1
                if self.secrets > 1:
                    self.obstacles.append((source, node, "assigns a secret key once more"))
        elif isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            on = self.found.owner(source, node.func.value)
            if on is not None and on.is_application and node.func.attr.value == "run":
                self._run(own, node, code(node.func.value))
        elif isinstance(node, cst.FunctionDef):
            self._handlers(source, node)

    def _secret(self, source: Source, target: cst.BaseExpression) -> str | None:
        """The application whose secret key `target` is."""
        if isinstance(target, cst.Subscript) and text_of(index_of(target)) == "SECRET_KEY":
            target, wanted = target.value, "config"
        else:
            wanted = "secret_key"
        if not isinstance(target, cst.Attribute) or target.attr.value != wanted:
            return None
        owner = self.found.owner(source, target.value)
        return code(target.value) if owner is not None and owner.is_application else None

    def _session(self, own: Edits, node: cst.Assign, app: str, value: str) -> None:
        own.removed.add(node)
        if self._has_session:
            middleware = own.need("starlette.middleware.sessions", "SessionMiddleware")
            text = f"{app}.add_middleware({middleware}, secret_key={value}, max_age=None)"
            own.after.setdefault(node, []).append(text)

    def _look_at_session(self, apps: list[Owner]) -> None:
        if not self._has_session:
            return
        if not self.secrets:
            for one in apps[:1]:
                assert one.call is not None
                what = "views use the session, and no assignment of a secret key was found"
                self.obstacles.append((one.source, one.call, what))
        self.notes.append(
            "the session's cookie is Starlette's, with SameSite=lax: whoever is logged in is "
            "logged out once"
        )

    def _settings(self, source: Source) -> None:
        """Configuration and logger beside views."""
        own = self.edits[source.name]

        def is_app(node: cst.BaseExpression) -> bool:
            owner = self.found.owner(source, node)
            return owner is not None and owner.is_application

        for asked in loggers(source.tree, is_app):
            own.replaced[asked] = logger(self.found, own.need("", "logging"))
        for setting, new in settings(source.tree, is_app):
            own.replaced[setting] = new
            self.is_configured = True
        for node in source.nodes:
            if not (isinstance(node, cst.Call) and node.func in own.replaced):
                continue
            if "SECRET_KEY" in Arguments(node.args).named:
                app = code(own.replaced[node.func]).partition(".state.config")[0]
                self.secrets += 1
                if self._has_session:
                    middleware = own.need("starlette.middleware.sessions", "SessionMiddleware")
                    key = f'{app}.state.config["SECRET_KEY"]'
                    text = f"{app}.add_middleware({middleware}, secret_key={key}, max_age=None)"
                    own.after.setdefault(node, []).append(text)

    def _look_at_config(self, apps: list[Owner]) -> None:
        """A configuration where anything asks for one."""
        functions = [one for own in self.edits.values() for one in own.functions.values()]
        if self.is_configured or any(".state.config" in code(one) for one in functions):
            for one in apps:
                assert one.call is not None
                own = self.edits[one.source.name]
                own.after.setdefault(one.call, []).insert(0, f"{one.name}.state.config = {START}")

    def _run(self, own: Edits, call: cst.Call, app: str) -> None:
        given = Arguments(call.args)
        host, port = given.get(0, "host"), given.get(1, "port")
        options = "" if host is None else f", host={code(host)}"
        options += f", port={'5000' if port is None else code(port)}"
        own.before.setdefault(call, []).append("import uvicorn")
        own.replaced[call] = expression(f"uvicorn.run({app}{options})")

    def _handlers(self, source: Source, function: cst.FunctionDef) -> None:
        for decorator in function.decorators:
            call = decorator.decorator
            if not (isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute)):
                continue
            owner = self.found.owner(source, call.func.value)
            if owner is None or call.func.attr.value != "errorhandler":
                continue
            if not owner.is_application:
                self.obstacles.append((source, function, "errors are handled by a blueprint"))
                continue
            made = handler(self.found, source, owner, function, decorator)
            if made.reasons:
                what = f"{function.name.value}() handles errors: {'; '.join(made.reasons)}"
                self.obstacles.append((source, function, what))
            own = self.edits[source.name]
            own.functions[function] = made.function
            own.needs.update(made.imports)


def beside_views(source: Source, edits: Edits, kept: tuple[str, str], node: cst.CSTNode) -> bool:
    """Whether a name outside of views has its equal in `kept` or FastAPI, which is put there."""
    meaning = source.meaning(node) or ""
    if meaning in KEPT:
        edits.replaced[node] = expression(f"{edits.need(*kept)}.{KEPT[meaning]}")
    elif meaning in ("flask.abort", "werkzeug.exceptions.abort"):
        edits.replaced[node] = expression(f"{edits.need(*kept)}.abort")
    elif meaning == "flask.Flask":
        edits.replaced[node] = expression(edits.need("fastapi", "FastAPI"))
    elif meaning == "flask.typing.ResponseReturnValue":
        edits.replaced[node] = expression(edits.need("typing", "Any"))
    else:
        return False
    return True
