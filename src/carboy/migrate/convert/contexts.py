"""Flask's proxies as what a typed handler gets: `session`, `g`, `current_app`, and the request's
own.

`request.session` is the same session, `request.state` the same namespace as `g`, `request.app` the
application. What `kept` provides as dependencies are the request's multi dicts and its body, read
before the view runs, so that a `def` view stays one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.rewriting import Tables
from carboy.migrate.convert.text import Arguments, code, expression, walk
from carboy.migrate.convert.timing import is_first

TABLES = Tables()

#: request.<name> -> the expression; {r} is the request parameter.
_PLAIN = {
    "method": "{r}.method",
    "path": '{r}.scope["path"]',
    "query_string": '{r}.scope["query_string"]',
    "scheme": "{r}.url.scheme",
    "is_secure": '({r}.url.scheme == "https")',
    "cookies": "{r}.cookies",
    "headers": "{r}.headers",
    "content_type": '{r}.headers.get("content-type")',
    "content_length": 'int({r}.headers.get("content-length", 0))',
    "referrer": '{r}.headers.get("referer")',
    "remote_addr": "({r}.client.host if {r}.client else None)",
    "user_agent.string": '{r}.headers.get("user-agent", "")',
    "endpoint": '{r}.scope["route"].name',
}
#: request.<name> -> (wanted parameter, type in kept, provider in kept).
_PROVIDED = {
    "args": ("args", "MultiDict", "args"),
    "form": ("form", "MultiDict", "form"),
    "files": ("files", "MultiDict", "files"),
    "data": ("data", "bytes", "data"),
    "is_json": ("is_json", "bool", "is_json"),
    "mimetype": ("mimetype", "str", "mimetype"),
    "host": ("host", "str", "host"),
    "host_url": ("host_url", "str", "host_url"),
    "url_root": ("host_url", "str", "host_url"),
    "full_path": ("full_path", "str", "full_path"),
    "authorization": ("authorization", "Authorization | None", "authorization"),
}


def _plain(name: str, text: str) -> Callable[[Draft, Any], cst.BaseExpression]:
    def handle(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
        draft.use(f"request.{name}")
        return expression(text.format(r=draft.request()))

    return handle


def _provided(name: str) -> Callable[[Draft, Any], cst.BaseExpression]:
    def handle(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
        draft.use(f"request.{name}")
        return cst.Name(provide(draft, name, node))

    return handle


def provide(draft: Draft, name: str, node: cst.CSTNode | None = None) -> str:
    """The parameter that holds `request.<name>`."""
    wanted, type_, provider = _PROVIDED[name]
    if type_[0].isupper():
        type_ = draft.kept(type_)
    return draft.depends(wanted, type_, draft.kept(provider), node)


for _name, _text in _PLAIN.items():
    TABLES.values[f"flask.request.{_name}"] = _plain(_name, _text)
for _name in _PROVIDED:
    TABLES.values[f"flask.request.{_name}"] = _provided(_name)


def _made(name: str) -> Callable[[Draft, Any], cst.BaseExpression]:
    def handle(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
        draft.use(f"request.{name}")
        return expression(f"{draft.kept(name)}({draft.request()})")

    return handle


TABLES.values["flask.request.url"] = _made("url")
TABLES.values["flask.request.base_url"] = _made("base_url")


def _view_args(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
    draft.use("request.view_args")
    if any(rule.defaults for rule in draft.view.rules):
        draft.keep("it reads request.view_args, where its rule's defaults are as well")
    return expression(f"{draft.request()}.path_params")


TABLES.values["flask.request.view_args"] = _view_args


def _session(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
    draft.use("session")
    return expression(f"{draft.request()}.session")


def _application(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
    draft.use("current_app")
    return expression(f"{draft.request()}.app")


TABLES.values["flask.session"] = _session
TABLES.values["flask.current_app"] = _application
TABLES.calls["flask.current_app._get_current_object"] = _application


def _state(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
    draft.use("g")
    return expression(f"{draft.request()}.state")


def _state_get(draft: Draft, node: cst.Call) -> cst.BaseExpression | None:
    given = Arguments(node.args)
    key = given.get(0, "name")
    if key is None or not given.is_plain:
        return None
    default = given.get(1, "default")
    fallback = "None" if default is None else code(default)
    draft.use("g")
    return expression(f"getattr({draft.request()}.state, {code(key)}, {fallback})")


def _in_state(draft: Draft, node: cst.Comparison) -> cst.BaseExpression:
    draft.use("g")
    negated = "not " if isinstance(node.comparisons[0].operator, cst.NotIn) else ""
    return expression(f"{negated}hasattr({draft.request()}.state, {code(node.left)})")


TABLES.values["flask.g"] = _state
TABLES.calls["flask.g.get"] = _state_get
TABLES.members["flask.g"] = _in_state


def _refused(draft: Draft, what: str) -> None:
    draft.keep(f"it uses {what}, which has no typed equivalent")


def _get_json(draft: Draft, node: cst.Call) -> cst.BaseExpression | None:
    given = Arguments(node.args)
    flags = {name: code(value) for name, value in given.named.items()}
    if given.positional or set(flags) - {"silent", "force"} or not given.is_plain:
        draft.keep("it calls get_json() in a way that can't be followed")
        return None
    draft.use("request.get_json")
    on = sorted(name for name, value in flags.items() if value == "True")
    if any(value not in ("True", "False") for value in flags.values()):
        draft.keep("it calls get_json() in a way that can't be followed")
    return _json(draft, node, on)


def _json_value(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
    draft.use("request.json")
    return _json(draft, node, [])


def _json(draft: Draft, node: cst.BaseExpression, on: list[str]) -> cst.BaseExpression:
    """The body's value, read before the view runs; where that could be seen, read in its place."""
    if "silent" not in on and not is_first(draft, _first_json(draft)):
        read = draft.depends("get_json", draft.kept("GetJSON"), draft.kept("get_json"))
        return expression(f"{read}({', '.join(f'{flag}=True' for flag in on)})")
    provider = "_".join(["json_body", *on])
    typed = draft.need("typing", "Any")
    return cst.Name(draft.depends("payload", typed, draft.kept(provider), node))


def _first_json(draft: Draft) -> cst.CSTNode:
    """The first place of the view where a body that is no JSON is an error."""
    for node in walk(draft.view.function.body):
        if isinstance(node, cst.Call) and draft.meaning(node.func) == "flask.request.get_json":
            if "silent" not in Arguments(node.args).named:
                return node
        elif isinstance(node, cst.Attribute) and draft.meaning(node) == "flask.request.json":
            return node
    return draft.view.function


def _get_data(draft: Draft, node: cst.Call) -> cst.BaseExpression | None:
    given = Arguments(node.args)
    if given.positional or set(given.named) - {"as_text"} or not given.is_plain:
        draft.keep("it calls get_data() in a way that can't be followed")
        return None
    draft.use("request.get_data")
    as_text = "as_text" in given.named and code(given.named["as_text"]) == "True"
    name = draft.depends("data", "bytes", draft.kept("raw_data"), None if as_text else node)
    return expression(f'{name}.decode("utf-8", "replace")') if as_text else cst.Name(name)


TABLES.calls["flask.request.get_json"] = _get_json
TABLES.values["flask.request.json"] = _json_value
TABLES.calls["flask.request.get_data"] = _get_data


def _values(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression | None:
    draft.use("request.values")
    if set(draft.view.methods) <= {"GET", "HEAD"}:
        return cst.Name(provide(draft, "args"))
    draft.keep("request.values mixes query and form: say which of them is meant")
    return None


TABLES.values["flask.request.values"] = _values


def _streamed(draft: Draft, node: cst.Call) -> cst.BaseExpression | None:
    """A generator that uses no proxy needs no context."""
    given = Arguments(node.args)
    if len(given.positional) == 1 and not given.named:
        draft.use("stream_with_context")
        draft.keep("it streams within Flask's context (stream_with_context)")
    return None


TABLES.calls["flask.stream_with_context"] = _streamed


def _bound(name: str) -> Callable[[Draft, Any], None]:
    return lambda draft, node: _refused(draft, name)


#: Functions of Flask that need its context by their nature.
for _name in ("after_this_request", "copy_current_request_context", "g.pop", "g.setdefault"):
    TABLES.calls[f"flask.{_name}"] = _bound(_name)
