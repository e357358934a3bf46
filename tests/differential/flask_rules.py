"""Flask applications as data: their rules, and what is built of them with either package.

Every view answers with its endpoint and the repr of everything it was given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from hypothesis import strategies as st
from werkzeug.routing import BaseConverter, ValidationError


class ListConverter(BaseConverter):
    """Words with a plus between them."""

    regex = r"[a-z]+(?:\+[a-z]+)*"

    def to_python(self, value: str) -> list[str]:
        return value.split("+")

    def to_url(self, value: Any) -> str:
        return "+".join(super(ListConverter, self).to_url(one) for one in value)


class UpperConverter(BaseConverter):
    """A word that has to be written in capitals: nothing its expression says."""

    def to_python(self, value: str) -> str:
        if not value.isupper():
            raise ValidationError
        return value


class SlashedConverter(BaseConverter):
    """Two segments in one value, with an expression that has a group."""

    regex = r"(x|y)/[0-9]"
    part_isolating = False
    weight = 50


class LightConverter(BaseConverter):
    """Comes before all others."""

    regex = "[ab]+"
    weight = 10


CONVERTERS = {
    "list": ListConverter,
    "upper": UpperConverter,
    "slashed": SlashedConverter,
    "light": LightConverter,
}
STATICS = ["a", "b", "ab", "x", "1", "a.b", "ä", "a b", "a+b", "%41", "a;b", "a:b", "$", "(", "a|b"]
KINDS = [
    "", "", "", "string:", "string(length=2):", "string(minlength=2, maxlength=3):",
    "string(minlength=0):", "int:", "int:", "int(fixed_digits=3):", "int(min=2, max=9):",
    "int(signed=True):", "float:", "float(signed=True, min=1.5):", "float(max=2.5):", "path:",
    "path:", "uuid:", "any(a, b, 'a b'):", "any(1,ab):", "default:", "list:", "upper:", "slashed:",
    "light:",
]  # fmt: skip
#: Texts that stand for values in paths, and values for `url_for`.
TEXTS = [
    "a", "b", "ab", "abc", "x", "1", "2", "9", "10", "001", "01", "-3", "+1", "1.5", "-1.0", "2.50",
    "1.", ".5", "1e3", "٣", "a b", "ä", "A", "AB", "x/1", "y/2", "a/b", "a//b", "a+b", "%", "a:b",
    "a.b", "a;b", "$", "(", "|", "a|b", "%41", "6f1c7a3e-6f0f-4c1c-8a0b-3b0e0f5b8f11", "?", "#",
    "\x00", "\n", "a\nb", "..", ".", "~", "é/", "a,b", "@", "&=", "<b>", "'\"", "\u2028",
]  # fmt: skip
VALUES: list[Any] = [
    *TEXTS, 0, 1, 7, -3, 12345, 1.5, -0.5, 2.0, 1e20, True, None, ["a", "b"], ("a",), [1, None], "",
    b"bytes", {"a": 1},
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"]


@dataclass(frozen=True)
class RulePlan:
    """One rule: its text, the endpoint it is for, and everything else `add_url_rule` takes."""

    text: str
    endpoint: str
    options: dict[str, Any] = field(default_factory=dict)
    #: The names of the blueprints it stands in, the outermost first.
    within: tuple[str, ...] = ()


@dataclass(frozen=True)
class AppPlan:
    """An application: how it is made, and its rules."""

    rules: tuple[RulePlan, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    map: dict[str, Any] = field(default_factory=dict)
    #: How every blueprint is made and registered.
    blueprints: dict[str, dict[str, Any]] = field(default_factory=dict)


@st.composite
def texts(draw: st.DrawFn, names: tuple[str, ...] = ("n", "m", "k")) -> str:
    """The text of a rule."""
    left = list(names)
    segments = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(
            st.sampled_from(["static", "static", "whole", "whole", "mixed", "two", "empty"])
        )
        if kind == "static" or not left or (kind == "two" and len(left) < 2):
            segments.append(draw(st.sampled_from(STATICS)))
        elif kind == "empty":
            segments.append(draw(st.sampled_from(["", "a"])))
        elif kind == "two":
            between = draw(st.sampled_from(["-", ".", "x"]))
            segments.append(between.join(_hole(draw, left.pop(0)) for _ in range(2)))
        else:
            hole = _hole(draw, left.pop(0))
            before, after = (
                ("", "")
                if kind == "whole"
                else draw(st.sampled_from([("v", ""), ("", ".x"), ("a", "b"), ("", "-")]))
            )
            segments.append(f"{before}{hole}{after}")
    text = "/" + "/".join(segments)
    # With a path before two slashes that stay two, Werkzeug makes a rule that fits nothing.
    crosses = "<path:" in text or "<slashed:" in text
    end = draw(st.sampled_from(["", "", "/", "/", "/" if crosses else "//"]))
    return text + (end if segments else draw(st.sampled_from(["", "a"])))


def _hole(draw: st.DrawFn, name: str) -> str:
    return f"<{draw(st.sampled_from(KINDS))}{name}>"


@st.composite
def rules(draw: st.DrawFn, hosts: str) -> RulePlan:
    """A rule with options, most of the time few."""
    options: dict[str, Any] = {}
    for name, values, often in (
        ("methods", [["GET"], ["POST"], ["GET", "POST"], ["PUT", "DELETE"], ["HEAD"], ["OPTIONS"],
                     ["get", "OPTIONS"], []], 3),
        ("strict_slashes", [True, False, False], 4),
        ("merge_slashes", [True, False, False], 5),
        ("defaults", [{"n": 1}, {"n": "a"}, {"m": 2}, {"z": 9}], 4),
        ("redirect_to", ["/to", "b/<n>", "/x?y=<n>", "http://else.test/<m>"], 9),
        ("alias", [True], 12),
        ("build_only", [True], 12),
        ("provide_automatic_options", [True, False], 8),
    ):  # fmt: skip
        if draw(st.integers(0, often)) == 0:
            options[name] = draw(st.sampled_from(values))
    if hosts and draw(st.integers(0, 2)) > 0:
        options[hosts] = draw(
            st.sampled_from(["a", "<sub>", "a.<sub>", "<int:num>", ""])
            if hosts == "subdomain"
            else st.sampled_from(["test", "a.test", "<sub>.test", "<any(a,b):sub>.test:81"])
        )
    return RulePlan(draw(texts()), draw(st.sampled_from(["e0", "e0", "e1", "e2"])), options)


def build(package: ModuleType, plan: AppPlan) -> Any:
    """The application of `plan`."""
    app = package.Flask("differential", static_folder=None, **plan.arguments)
    app.logger.disabled = True
    app.config.update(plan.config)
    for name, value in plan.map.items():
        setattr(app.url_map, name, value)
    app.url_map.converters.update(CONVERTERS)

    for rule in plan.rules:
        app.add_url_rule(rule.text, rule.endpoint, **rule.options)
        app.view_functions[rule.endpoint] = _view(package, rule.endpoint)
    return app


def _view(package: ModuleType, endpoint: str) -> Any:
    def view(**values: Any) -> Any:
        shown = {key: [type(one).__name__, repr(one)] for key, one in sorted(values.items())}
        request = package.request
        return {
            "endpoint": endpoint,
            "values": shown,
            "rule": request.url_rule.rule,
            "seen": [request.path, request.full_path, request.url, request.base_url, request.host],
            "allowed": sorted(package.globals.request_ctx.url_adapter.allowed_methods()),
        }

    return view
