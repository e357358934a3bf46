"""What Flask's application has and an App has not, or has as FastAPI means it: `app.flask` has it.

`app.root_path` is a folder for Flask and a prefix of URLs for FastAPI, and only Flask's views go
through `app.wsgi_app`. Where the application is known by its name, that is rewritten; where it is
handed about, a note says so.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.found import Found
from carboy.migrate.convert.modules import Edits
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import code, expression, walk

#: Flask's names that an App has not, or has in another sense.
NAMES = frozenset(
    {
        "_check_setup_finished", "_find_error_handler", "_got_first_request", "_static_folder",
        "_static_url_path", "aborter_class", "app_ctx_globals_class", "auto_find_instance_path",
        "config_class", "debug", "default_config", "got_first_request", "make_aborter",
        "make_config", "root_path", "subdomain_matching", "url_map_class", "wsgi_app",
    }
)  # fmt: skip
#: Those of them that nobody asks of anything but an application.
_TELLING = {"root_path", "wsgi_app"}
_PARAMETERS = {"app", "application", "flask_app", "current_app"}
_WRAPPED = (
    "{place} app.wsgi_app is around Flask's views only, so it is app.flask.wsgi_app now: typed "
    "routes want `carboy run --forwarded-allow-ips` where it is ProxyFix, else app.add_middleware"
)
#: Settings of Flask's map that hold for all of its routes.
_OF_THE_MAP = {"strict_slashes", "merge_slashes", "redirect_defaults", "host_matching"}
_MAPPED = "{place} {said} is for Flask's views: typed routes do as Flask does without it"
_HANDED = "{place} {said}: where {name} is an App now, it has to be {name}.flask.{attr}"


def change_sides(found: Found, edits: dict[str, Edits]) -> Iterator[str]:
    """`app.root_path` is `app.flask.root_path` wherever `app` becomes an App. What a person has to
    look at is yielded.
    """
    if not any(one.is_flask for one in found.owners.values()):
        return
    for own in edits.values():
        for node in own.source.nodes if _may_have(own.source) else ():
            if isinstance(node, cst.AssignTarget) and _is_of_the_map(node.target):
                yield _MAPPED.format(place=_place(own.source, node), said=code(node.target))
            if isinstance(node, cst.FunctionDef):
                yield from _handed(found, own.source, node)
            if not isinstance(node, cst.Attribute) or node.attr.value not in NAMES:
                continue
            owner = found.owner(own.source, node.value)
            if owner is None or not owner.is_flask:
                continue
            name = code(node.value)
            # A function may be handed either: the App by the project, Flask's side by Flask.
            is_either = own.source.is_parameter(node.value)
            text = f'getattr({name}, "flask", {name})' if is_either else f"{name}.flask"
            own.replaced[node.value] = expression(text)
            if node.attr.value == "wsgi_app" and _is_target(own.source, node):
                yield _WRAPPED.format(place=_place(own.source, node))


def on_side(draft: Draft, node: cst.CSTNode) -> cst.BaseExpression | None:
    """`request.app.flask.root_path` for `current_app.root_path` in a view, and the like."""
    if draft.target != "app" or not isinstance(node, cst.Attribute) or node.attr.value not in NAMES:
        return None
    if draft.meaning(node.value) == "flask.current_app":
        draft.use("current_app")
        return expression(f"{draft.request()}.app.flask.{node.attr.value}")
    owner = draft.found.owner(draft.source, node.value)
    if draft.source.is_parameter(node.value):
        return None
    if owner is None or not owner.is_flask:
        return None
    return expression(f"{code(node.value)}.flask.{node.attr.value}")


def _is_of_the_map(target: cst.BaseExpression) -> bool:
    if not isinstance(target, cst.Attribute) or target.attr.value not in _OF_THE_MAP:
        return False
    return code(target.value).endswith(".url_map")


def _may_have(source: Source) -> bool:
    if ".url_map." in source.text:
        return True
    return any(f".{name}" in source.text for name in (NAMES if source.is_relevant else _TELLING))


def _is_target(source: Source, node: cst.Attribute) -> bool:
    return any(isinstance(one, cst.AssignTarget) and one.target is node for one in source.nodes)


def _handed(found: Found, source: Source, function: cst.FunctionDef) -> Iterator[str]:
    params = {one.name.value for one in function.params.params} & _PARAMETERS
    for node in walk(function.body) if params else ():
        if not isinstance(node, cst.Attribute) or node.attr.value not in _TELLING:
            continue
        if found.owner(source, node.value) is not None:
            continue  # it is rewritten
        if isinstance(node.value, cst.Name) and node.value.value in params:
            name, attr = node.value.value, node.attr.value
            place = _place(source, node)
            yield _HANDED.format(place=place, said=code(node), name=name, attr=attr)


def _place(source: Source, node: cst.CSTNode) -> str:
    positions = MetadataWrapper(source.tree, unsafe_skip_copy=True).resolve(PositionProvider)
    return f"{source.name}:{positions[node].start.line}"
