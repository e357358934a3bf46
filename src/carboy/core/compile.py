"""From a Route to one function, by way of source text that a person can read.

The text is a straight line: read the body, call dependencies, check parameters, call the endpoint,
encode, return (Head, Body). It is registered with `linecache` under ``<GET /items/{id}>``, so that
tracebacks and debuggers show it, and `carboy show` prints it.
SAFETY: the text consists of identifiers minted here and `repr()` of strings. Every value of an
application reaches it through the namespace; no user text becomes code.
"""

from __future__ import annotations

import keyword
import linecache
import sys
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Any, NamedTuple

from carboy.core import decode, plugin
from carboy.core.answer import Answer
from carboy.core.closing import close_early, enter, enter_async, shelter, unwind
from carboy.core.context import RequestContext
from carboy.core.encode import PLAIN
from carboy.core.errors import Handlers
from carboy.core.route import Input, Lane, Output, Route
from carboy.core.signature import (
    Function,
    Parameter,
    Part,
    Source,
    Special,
    Use,
    explain_function,
)
from carboy.core.voice import Colourless, Do, call_text, drive, drive_async


def _invalid() -> tuple[type[Exception], ...]:
    """What a check raises: a ValidationError, or KeyError where a required value is missing."""
    known = (sys.modules.get(name) for name in ("pydantic_core", "msgspec"))
    return (*(module.ValidationError for module in known if module is not None), KeyError)


#: Source of a parameter -> (local variable, expression that fills it): made once per endpoint.
SOURCES: dict[tuple[Source, bool], tuple[str, str]] = {
    (Source.QUERY, False): ("query", "parse_query(request.query)"),
    (Source.QUERY, True): ("query_lists", "parse_query_lists(request.query)"),
    (Source.HEADER, False): ("headers", "header_map(request.headers)"),
    (Source.HEADER, True): ("header_lists", "read_header_lists(request.headers)"),
    (Source.COOKIE, False): ("cookies", "parse_cookies(request.headers)"),
    (Source.COOKIE, True): ("cookies", "parse_cookies(request.headers)"),
}


class Compiled(NamedTuple):
    """An endpoint ready to be served; `takes_body` says that it needs `request.body`."""

    call: Callable[[RequestContext], Any]
    is_async: bool
    source: str
    takes_body: bool = False


class _Ready(NamedTuple):
    """A dependency that has been written out: where its value and its errors are."""

    value: str
    errors: str | None


class Writer:
    """Lines of source, and the namespace that its identifiers stand for. Dialects write too."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async
        self.lines: list[str] = []
        self.names: dict[str, Any] = dict(_OWN)
        self.depth = 0

    def __call__(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def bind(self, hint: str, value: Any) -> str:
        """A fresh identifier, like `hint`, for `value`."""
        name = self.mint(hint)
        self.names[name] = value
        return name

    def mint(self, hint: str) -> str:
        """An identifier like `hint` that nothing else uses."""
        name = stem = hint if _is_plain(hint) else "value"
        count = 2
        while name in self.names or name in _RESERVED:
            name, count = f"{stem}_{count}", count + 1
        self.names[name] = None
        return name

    @property
    def prefix(self) -> str:
        return "async def" if self.is_async else "def"


def _is_plain(name: Any) -> bool:
    """Whether `name` may stand in the text as it is."""
    if type(name) is not str or not name.isascii() or name.startswith("__"):
        return False
    return name.isidentifier() and not keyword.iskeyword(name)


def _absent() -> None:
    raise KeyError


#: What the text calls by these names, whatever an application's own functions are called.
_OWN: dict[str, Any] = {
    "PLAIN": PLAIN,
    "UNSET": decode.UNSET,
    "Undecoded": decode.Undecoded,
    "absent": _absent,
    "enter": enter,
    "enter_async": enter_async,
    "shelter": shelter,
    "close_early": close_early,
    "drive": drive,
    "drive_async": drive_async,
    "parse_query": decode.parse_query,
    "parse_query_lists": decode.parse_query_lists,
    "header_map": decode.header_map,
    "read_header_lists": decode.header_lists,
    "parse_cookies": decode.parse_cookies,
    "Answer": Answer,
    "begin": plugin.begin,
    "leave": plugin.leave,
    "fail": plugin.fail,
}
#: Names that the text assigns, defines or takes from Python.
_RESERVED = frozenset(
    {"endpoint", "inner", "request", "body", "error", "result", "answer", "running", "recover"}
    | {"invalid", "INVALID", "BaseException", "type", "dict"}
    | {variable for variable, _ in SOURCES.values()}
)


def compile_route(route: Route, override: Callable[[Function], Function]) -> Compiled:
    """One function for `route`; `override` replaces dependencies (tests do that)."""
    lane = route.lane if route.make_lane is None else route.make_lane(route)
    if lane is not None and lane.source and route.admit is None:
        inner = Compiled(lane.call, lane.is_async, lane.source, lane.reads)
    elif lane is not None:
        made_now = route.make_lane is not None
        inner = _compile_lane(route, lane)._replace(takes_body=made_now and lane.reads)
    else:
        inner = _compile_function(route, override)
    arounds = [around for p in route.plugins if (around := p.around(route)) is not None]
    if not arounds:
        return inner
    return _compile_plugins(route, inner, arounds)


def _compile_lane(route: Route, lane: Lane) -> Compiled:
    """An endpoint written by hand, within the same inner ring as a compiled one."""
    write = Writer(lane.is_async or route.admit is not None)
    wait = "await " if write.is_async else ""
    write.names.update(lane=lane.call, recover=_recover(route.handlers, write.is_async))
    write(f"{write.prefix} endpoint(request):")
    write("    try:")
    _admitted(route, write)
    if write.is_async and not lane.is_async:
        write("        return await request.threads.run(lane, request)")
    else:
        write(f"        return {wait}lane(request)")
    write("    except BaseException as error:")
    write(f"        return {wait}recover(request, error)")
    return build(route, write)


def _admitted(route: Route, write: Writer) -> None:
    if route.admit is not None:
        write("        shelter(request)")
        write(f"        await {write.bind('admit', route.admit)}(request)")


def build(route: Route, write: Writer, suffix: str = "") -> Compiled:
    """The function ``endpoint`` of what was written, which tracebacks can show."""
    source = "\n".join(write.lines) + "\n"
    title = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in route.title)
    filename = f"<{title}{suffix}>"
    namespace = dict(write.names)
    exec(compile(source, filename, "exec", dont_inherit=True), namespace)
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    return Compiled(namespace["endpoint"], write.is_async, source)


def _compile_plugins(route: Route, inner: Compiled, arounds: list[plugin.Around]) -> Compiled:
    write = Writer(inner.is_async)
    write.names["inner"] = inner.call
    write(f"{write.prefix} endpoint(request):")
    write("    running = []")
    write("    try:")
    write("        answer = (")
    for index, around in enumerate(arounds):
        name = write.bind(getattr(around, "__name__", "around"), around)
        write(f"            {'or ' if index else ''}begin(running, {name}, request)")
    write("        )")
    write("        if answer is None:")
    write(f"            answer = Answer.of(*{'await ' if inner.is_async else ''}inner(request))")
    write("    except BaseException as error:")
    write("        answer = fail(running, error)")
    write("    return leave(running, answer)")
    outer = build(route, write, " plugins")
    return inner._replace(call=outer.call, source=f"{outer.source}\n\n# inner:\n{inner.source}")


def _compile_function(route: Route, override: Callable[[Function], Function]) -> Compiled:
    function = route.function
    assert function is not None and route.input is not None and route.output is not None
    used = _walk(function, override)
    takes_body = any(one.uses_body for one in used)
    source = _decoding(route.input, used)
    loads_async = takes_body and source.is_async
    is_watched = route.solving is not None
    waits = is_watched or loads_async or route.admit is not None
    write = Writer(waits or any(one.is_async for one in used))
    endpoint = _Endpoint(write, source, route.output, override, takes_body)
    endpoint.emit(function, route)
    write("    except BaseException as error:")
    write(f"        return {'await ' if write.is_async else ''}recover(request, error)")
    write.names["recover"] = _recover(route.handlers, write.is_async)
    return build(route, write)._replace(takes_body=takes_body)


def _decoding(source: Input, used: list[Function]) -> Input:
    """`source`, decoding the body at once where all of it is one parameter's value."""
    wanted = [p for one in used for p in one.parameters if p.source is Source.BODY]
    if source.decoding is None or len(wanted) != 1 or any(one.binds_body for one in used):
        return source
    (one,) = wanted
    if not one.whole or one.decode is None:
        return source
    return source.decoding(one.decode)


def _walk(function: Function, override: Callable[[Function], Function]) -> list[Function]:
    """What really runs: `function` and all it depends on, overrides in place."""
    function = override(function)
    used = [one for use in function.uses for one in _walk(use.function, override)]
    return [*used, function]


def _recover(handlers: Handlers, is_async: bool) -> Callable[..., Any]:
    """The inner ring: close what is open, then answer as the handler for the error says.

    What is no Exception (a cancelled task, an interrupt) is nobody's to answer.
    """

    def steps(request: RequestContext, error: BaseException) -> Colourless[Any]:
        error = yield from unwind(request, error, handlers.swallowed)
        handling = handlers.find(error) if isinstance(error, Exception) else None
        if handling is None:
            raise error
        return (yield Do(handling.handle, (request, error), handling.is_async))

    if is_async:

        async def recover_async(request: RequestContext, error: BaseException) -> Any:
            if isinstance(error, GeneratorExit):
                # The coroutine is being thrown away and may not await; so are the open generators,
                # and Python closes them.
                raise error
            return await drive_async(steps(request, error), request)

        return recover_async

    def recover(request: RequestContext, error: BaseException) -> Any:
        return drive(steps(request, error), request)

    return recover


class _Endpoint:
    """Writes one endpoint and the functions it depends on."""

    def __init__(
        self,
        write: Writer,
        input: Input,
        output: Output,
        override: Callable[[Function], Function],
        takes_body: bool,
    ) -> None:
        self.write = write
        self.input = input
        self.output = output
        self.override = override
        self.ready: dict[Hashable, _Ready] = {}
        self.sources: set[str] = set()
        self.parts: dict[Part, str] = {}
        self.takes_body = takes_body
        self.has_early = False
        write.names.update(INVALID=_invalid(), invalid=input.invalid)

    def emit(self, function: Function, route: Route) -> None:
        """The whole endpoint, up to the `except` that the caller adds."""
        write, solving = self.write, route.solving
        write(f"{write.prefix} endpoint(request):")
        write("    try:")
        _admitted(route, write)
        write.depth = 2
        if self.takes_body:
            wait = "await " if self.input.is_async else ""
            write(f"body = {wait}{write.bind('load_body', self.input.load_body)}(request)")
        if solving is not None:
            write(f"with {write.bind('solving', solving)}(request):")
            write.depth += 1
        before = len(write.lines)
        # What is invalid is raised outside of `solving`, which is about errors of other kinds.
        args, errors = self.arguments(function, is_root=solving is None)
        if solving is not None and len(write.lines) == before:
            write("pass")
        write.depth = 2
        if errors is not None:
            write(f"if {errors} is not None:")
            body = "body" if self.takes_body else "None"
            write(f"    raise invalid(request, {errors}, {body})")
        call = write.bind(getattr(function.call, "__name__", "call"), function.call)
        if function.inline:
            write(f"result = {call}({args})")
        else:
            write(f"result = {call_text(write.is_async, function.kind, call, args)}")
        self.finish()
        write.depth = 0

    def finish(self) -> None:
        """From the endpoint's result to the pair."""
        write, output = self.write, self.output
        response = self.parts.get(Part.RESPONSE, "None")
        slow = f"{write.bind('respond', output.respond)}(request, result, {response})"
        # COMPAT: dependencies that end early do so when the result is encoded, which may need them.
        then = "answer =" if self.has_early else "return"
        if output.direct:
            head = write.bind("HEAD", output.head)
            encoded = f"{write.bind('encode', output.encode)}(result)"
            body = 'b""' if output.head.bodiless else encoded
            amended = None
            if response != "None":
                # The status may have become one that has a body, or one that has none.
                amended = f"{write.bind('amend', output.amend)}({head}, {response})"
                head = write.mint("head")
                body = f'b"" if {head}.bodiless else {encoded}'
            if output.exact is None:
                write("if type(result) in PLAIN:")
            else:
                write(f"if type(result) is {write.bind(output.exact.__name__, output.exact)}:")
            if amended is not None:
                write(f"    {head} = {amended}")
            write(f"    {then} {head}, {body}")
        if not self.has_early:
            write(f"return {slow}")
            return
        if output.direct:
            write("else:")
        write(f"{'    ' if output.direct else ''}answer = {slow}")
        write(
            f"{'await drive_async' if write.is_async else 'drive'}(close_early(request), request)"
        )
        write("return answer")

    def arguments(self, function: Function, is_root: bool = False) -> tuple[str, str | None]:
        """Writes what fills the parameters; the call's arguments and where errors are, if any."""
        arguments: list[tuple[str, str]] = []
        failing: list[str] = []
        for use in function.uses:
            ready = self.use(use)
            if use.name is not None:
                arguments.append((use.name, ready.value))
            if ready.errors is not None:
                failing.append(ready.errors)
        errors: str | None
        if function.binds:
            own, errors = self.bound(function)
        else:
            own, errors = self.parameters(function, raises=is_root and not failing)
        arguments += own
        if errors is not None:
            failing.append(errors)
        arguments += [(special.name, self.special(special)) for special in function.specials]
        text = ", ".join(_keyword(name, value) for name, value in arguments)
        if len(failing) < 2:
            return text, failing[0] if failing else None
        together = self.write.mint("errors")
        self.write(f"{together} = " + " + ".join(f"({one} or [])" for one in failing) + " or None")
        return text, together

    def use(self, use: Use) -> _Ready:
        """Writes one dependency, unless its value is there already."""
        if use.cached and use.key in self.ready:
            return self.ready[use.key]
        write = self.write
        function = self.override(use.function)
        if function.shared is not None:
            self.ready[use.key] = _Ready(self._shared(function), None)
            return self.ready[use.key]
        args, errors = self.arguments(function)
        name = getattr(function.call, "__name__", "dependency")
        value = write.mint(f"got_{name}")
        if errors is not None:
            write(f"{value} = None")
            write(f"if {errors} is None:")
            write.depth += 1
        write(f"{value} = {self._call(function, args, use.early)}")
        if errors is not None:
            write.depth -= 1
        ready = _Ready(value, errors)
        self.ready.setdefault(use.key, ready)
        return ready

    def _shared(self, function: Function) -> str:
        """Writes the look at a value that outlives requests."""
        write = self.write
        name = getattr(function.call, "__name__", "dependency")
        value, held = write.mint(f"got_{name}"), write.bind(f"shared_{name}", function.shared)
        made = f"{held}.make(request)"
        made = f"await {made}" if write.is_async else f"request.portal({made})"
        write(f"{value} = {held}.value if {held}.is_made else {made}")
        return value

    def _call(self, function: Function, args: str, early: bool) -> str:
        write = self.write
        call = write.bind(getattr(function.call, "__name__", "dependency"), function.call)
        if not function.kind.is_generator:
            return call_text(write.is_async, function.kind, call, args)
        self.has_early = self.has_early or early
        if write.is_async:
            write("if request.opened is None:")
            write("    shelter(request)")
        opener = "enter_async" if function.kind.is_async else "enter"
        return call_text(write.is_async, function.kind, opener, f"request, {call}({args}), {early}")

    def bound(self, function: Function) -> tuple[list[tuple[str, str]], str]:
        """Writes a call of the dialect's own binder: all values at once."""
        write = self.write
        bind = write.bind("bind", function.bind)
        values, errors = write.mint("bound"), write.mint("errors")
        wait = "await " if function.bind_is_async else ""
        body = "body" if function.uses_body else "None"
        write(f"{values}, {errors} = {wait}{bind}(request, {body})")
        write(f"{errors} = {errors} or None")
        return [("**", values)], errors

    def special(self, special: Special) -> str:
        """The object of the request, made at first use."""
        if special.part is Part.CONSTANT:
            return self.write.bind(special.name, special.make)
        if special.part not in self.parts:
            make = self.write.bind(f"make_{special.part.value}", special.make)
            name = self.write.mint(f"the_{special.part.value}")
            self.write(f"{name} = {make}(request)")
            self.parts[special.part] = name
        return self.parts[special.part]

    def parameters(
        self, function: Function, raises: bool
    ) -> tuple[list[tuple[str, str]], str | None]:
        """Writes extraction and checks: (keyword, expression) pairs, and the errors' variable.

        With `raises`, invalid input raises on the spot instead of being collected.
        """
        for parameter in function.parameters:
            self._source(parameter)
        found = [(p, self.write.mint(f"{p.source.value}_{p.name}")) for p in function.parameters]
        safe = [(p, name) for p, name in found if not _can_fail(p)]
        risky = [(p, name) for p, name in found if _can_fail(p)]
        for parameter, name in safe:
            self._extract(function, parameter, name)
        pairs = [(p.name, name) for p, name in found]
        if not risky:
            return pairs, None
        write = self.write
        errors = None if raises else write.mint("errors")
        if errors:
            write(f"{errors} = None")
        write("try:")
        write.depth += 1
        self._look_at_body(risky)
        for parameter, name in risky:
            self._extract(function, parameter, name)
        write.depth -= 1
        write("except INVALID:")
        body = "body" if any(p.source is Source.BODY for p in function.parameters) else "None"
        explain = write.bind("explain", _explainer(function, self.input))
        names = ", ".join(name for _, name in found) + ","
        if raises:
            write(f"    {names} = {explain}(request, {body})")
        else:
            write(f"    ({names}), {errors} = {explain}.collect(request, {body})")
        return pairs, errors

    def _source(self, parameter: Parameter) -> None:
        entry = SOURCES.get((parameter.source, parameter.many))
        if entry is not None and entry[0] not in self.sources:
            self.sources.add(entry[0])
            self.write(f"{entry[0]} = {entry[1]}")

    def _extract(self, function: Function, parameter: Parameter, name: str) -> None:
        """Writes ``name = checked value of parameter``."""
        write = self.write
        check = None
        if parameter.check and not (parameter.source is Source.BODY and self.input.decodes):
            check = write.bind(f"check_{parameter.name}", parameter.check)
        checked = f"{check}({{}})" if check else "{}"
        if parameter.source is Source.PATH:
            raw = f"request.params[{function.path_names.index(parameter.alias)}]"
            write(f"{name} = {checked.format(raw)}")
            return
        if parameter.source is Source.BODY:
            source, missing, raw = "body", "body is UNSET", "body"
        else:
            source = SOURCES[parameter.source, parameter.many][0]
        if not parameter.whole:
            missing, raw = f"{parameter.key!r} not in {source}", f"{source}[{parameter.key!r}]"
        constant = _is_constant(parameter) and not parameter.validate_default
        if parameter.required:
            write(f"{name} = {checked.format(raw)}")
        elif check is None and constant and not parameter.whole:
            default = write.bind(f"default_{parameter.name}", parameter.default)
            write(f"{name} = {source}.get({parameter.key!r}, {default})")
        else:
            default = self._default(parameter, checked)
            write(f"{name} = {default} if {missing} else {checked.format(raw)}")

    def _look_at_body(self, found: list[tuple[Parameter, str]]) -> None:
        """Writes what sends a body to the slow path that can't hold the parameters' values."""
        first = next((p for p, _ in found if p.source is Source.BODY), None)
        if first is not None and self.input.decodes:
            wrong = "type(body) is Undecoded"
            self.write(f"if {'body is UNSET or ' if first.required else ''}{wrong}:")
            self.write("    absent()")
            return
        if first is None or (first.whole and not first.required):
            return
        # A body that is no object is explained, even where every key has a default.
        self.write(f"if {'body is UNSET' if first.whole else 'type(body) is not dict'}:")
        self.write("    absent()")

    def _default(self, parameter: Parameter, checked: str) -> str:
        write = self.write
        if parameter.validate_default:
            return checked.format(
                f"{write.bind(f'default_{parameter.name}', parameter.make_default)}()"
            )
        if _is_constant(parameter):
            return write.bind(f"default_{parameter.name}", parameter.default)
        return f"{write.bind(f'default_{parameter.name}', parameter.make_default)}()"


def _keyword(name: str, value: str) -> str:
    if name == "**":
        return f"**{value}"
    return f"{name}={value}" if _is_plain(name) else f"**{{{name!r}: {value}}}"


_IMMUTABLE = (str, int, float, bool, bytes, type(None), frozenset)


def _is_constant(parameter: Parameter) -> bool:
    if parameter.default_factory is not None:
        return False
    return type(parameter.default) in _IMMUTABLE or isinstance(parameter.default, Enum)


def _can_fail(parameter: Parameter) -> bool:
    if parameter.source is Source.BODY:
        return True
    return parameter.check is not None or (
        parameter.required and parameter.source is not Source.PATH
    )


def _explainer(function: Function, input: Input) -> Any:
    """The slow path of one function: says why input is invalid.

    Called, it raises; `collect` returns (values, errors or None). If the second look finds the
    input valid after all (a validator that changed its mind), the values are used.
    """

    def look(request: RequestContext, body: Any) -> tuple[list[Any], Any]:
        if function.bind is None:
            return explain_function(function, request, body)
        values, errors = function.bind(request, body)
        return [values.get(one.name) for one in function.parameters], errors

    def collect(request: RequestContext, body: Any) -> tuple[list[Any], Any]:
        values, errors = look(request, body)
        return values, errors or None

    def explain(request: RequestContext, body: Any) -> list[Any]:
        values, errors = look(request, body)
        if errors:
            raise input.invalid(request, errors, body) from None
        return values

    explain.collect = collect  # type: ignore[attr-defined]
    return explain
