"""From declarations to the engine's Routes: RouteState -> Route, Dependant -> Function.

The usual parameters (`is_plain`) become core Parameters, which the compiler writes out as straight
lines. A function with any other (parameter models, alias choices, forms) is filled by its binder,
which is also what explains to a client why its input is invalid, for both kinds.
COMPAT: the order of errors is upstream's: path, query, header, cookie, body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic.errors import PydanticUserError

from carboy.core.context import RequestContext
from carboy.core.errors import Handlers
from carboy.core.route import Input, Route
from carboy.core.signature import Errors, Function, Parameter, Part, Source, Special, Use
from carboy.core.voice import Kind, kind_of
from carboy.fastapi._body_limit import get_body_size_limit
from carboy.fastapi.body import body_loader, decoding_input, form_loader, invalid_request
from carboy.fastapi.dependencies.fields import is_plain
from carboy.fastapi.dependencies.models import (
    Dependant,
    _get_cache_key,
    _get_computed_scope,
    _get_oauth_scopes,
    _UsesScopesCache,
)
from carboy.fastapi.dress import make_background, make_request, make_response
from carboy.fastapi.output import output_for
from carboy.fastapi.params import Form
from carboy.fastapi.scopes import Limits

if TYPE_CHECKING:
    from carboy.core.plugin import Plugin
    from carboy.fastapi._compat import ModelField
    from carboy.fastapi.options import AppSettings
    from carboy.fastapi.route_state import RouteState

_STREAMS = {"StreamingResponse", "EventSourceResponse"}


def route_for(
    state: RouteState,
    settings: AppSettings,
    handlers: Handlers,
    plugins: Sequence[Plugin] = (),
    limits: Limits = Limits(),  # noqa: B008 - it is a constant
) -> Route:
    """The engine's Route for a path operation; `limits` are those of what is around it."""
    function = function_for(state.dependant, state.pattern.names, {})
    if function.kind.is_generator:
        # The endpoint streams: calling it only makes the generator.
        function.inline = True
    decide_bodies(function, state._embed_body_fields)
    is_form = state.body_field is not None and isinstance(state.body_field.field_info, Form)
    strict = bool(state.strict_content_type)
    decoding: Any = None
    if is_form:
        loader: Any = form_loader({**limits.form_limits, **(state.form_limits or {})})
    else:
        loader = body_loader(strict)
        decoding = partial(decoding_input, state, strict)
    methods = frozenset(state.methods)
    policy = state.policy
    return Route(
        pattern=state.pattern,
        methods=methods | {"HEAD"} if settings.get("answer_head") and "GET" in methods else methods,
        name=state.name,
        function=function,
        input=Input(loader, partial(invalid_request, state), is_form, decoding),
        output=output_for(state),
        handlers=handlers.within(policy.get("exception_handlers")),
        plugins=(*plugins, *policy.get("plugins", ())),
        max_body=policy["max_body"]
        if "max_body" in policy
        else get_body_size_limit(
            state.max_body_size, limits.max_body_size, settings.get("max_body")
        ),
        timeout=policy.get("timeout", settings.get("timeout")),
        admit=policy.get("turns"),
        # A form is parsed as it comes: files go to disk.
        buffered=not is_form and (state.body_field is not None or not _reads_live(function)),
        cancel_on_disconnect=policy.get(
            "cancel_on_disconnect",
            bool(settings.get("cancel_on_disconnect")) and methods <= {"GET", "HEAD"},
        ),
        extras={"route": state},
    )


def function_for(
    dependant: Dependant, path_names: tuple[str, ...], scopes: _UsesScopesCache
) -> Function:
    """What a callable asks of a request, in the core's words."""
    call = dependant.call
    assert call is not None
    groups = (
        (Source.PATH, dependant.path_params),
        (Source.QUERY, dependant.query_params),
        (Source.HEADER, dependant.header_params),
        (Source.COOKIE, dependant.cookie_params),
        (Source.BODY, dependant.body_params),
    )
    fields = [(source, one) for source, group in groups for one in group]
    straight = all(_is_straight(source, one, path_names) for source, one in fields)
    function = Function(
        call,
        kind_of(call),
        _parameters(call, fields) if straight else (),
        tuple(_use(sub, path_names, scopes) for sub in dependant.dependencies),
        _specials(dependant),
        path_names,
        source=dependant,
    )
    if fields:
        function.binds = not straight
        function.bind = _Binder(dependant)
        function.binds_body = bool(dependant.body_params) and not straight
        function.bind_is_async = function.binds_body and any(
            isinstance(one.field_info, Form) for one in dependant.body_params
        )
    return function


def _is_straight(source: Source, field: ModelField, path_names: tuple[str, ...]) -> bool:
    if source is Source.PATH and field.alias not in path_names:
        return False  # a variable of a mount's path, or of no path at all
    return is_plain(field)


def _parameters(
    call: Callable[..., Any], fields: list[tuple[Source, ModelField]]
) -> tuple[Parameter, ...]:
    try:
        return tuple(_parameter(source, one) for source, one in fields)
    except PydanticUserError as error:
        from carboy.fastapi.mistakes import unresolved

        for _, one in fields:
            if (wrong := unresolved(call, one)) is not None:
                raise wrong from error
        raise


def _parameter(source: Source, field: ModelField) -> Parameter:
    info = field.field_info
    required = info.is_required()
    alias = field.validation_alias or field.alias
    check = None if _is_free(source, field) else field.validator.validate_python
    return Parameter(
        name=field.name,
        source=source,
        alias=alias,
        annotation=info.annotation,
        required=required or source is Source.PATH,
        default=None if required or info.default_factory is not None else info.default,
        default_factory=info.default_factory,  # type: ignore[arg-type]
        check=check,
        many=source is not Source.PATH and source is not Source.BODY and _is_sequence(field),
        validate_default=bool(info.validate_default),
        decode=field.decode if source is Source.BODY else None,
    )


def _is_sequence(field: ModelField) -> bool:
    from carboy.fastapi._compat import field_annotation_is_sequence

    return field_annotation_is_sequence(field.field_info.annotation)


def _is_free(source: Source, field: ModelField) -> bool:
    """Whether every raw value is valid as it is, so that nothing needs checking."""
    info = field.field_info
    if source is Source.BODY or info.metadata:
        return False
    if source is Source.PATH:
        return info.annotation is str
    from typing import get_args

    members = set(get_args(info.annotation)) or {info.annotation}
    return members <= {str, Any, type(None)} and not _is_sequence(field)


def _use(sub: Dependant, path_names: tuple[str, ...], scopes: _UsesScopesCache) -> Use:
    if sub.scope == "app":
        assert sub.call is not None
        function = Function(sub.call, Kind.SYNC, source=sub)
    else:
        function = function_for(sub, path_names, scopes)
        _limit(function, sub)
    key = _get_cache_key(dependant=sub, uses_scopes_cache=scopes)
    early = _get_computed_scope(dependant=sub) == "function"
    return Use(sub.name, function, key, sub.use_cache, early)


def _limit(function: Function, dependant: Dependant) -> None:
    """Make ``max_concurrency`` part of the callable."""
    if dependant.concurrency is not None:
        from carboy.fastapi.limited import limited

        function.call = limited(function.call, function.kind, dependant.concurrency)
        function.kind = Kind.ASYNC_GENERATOR if function.kind.is_generator else Kind.ASYNC


def _specials(dependant: Dependant) -> tuple[Special, ...]:
    found = [
        Special(name, part, make)
        for name, part, make in (
            (dependant.request_param_name, Part.REQUEST, make_request),
            (dependant.http_connection_param_name, Part.REQUEST, make_request),
            (dependant.background_tasks_param_name, Part.BACKGROUND, make_background),
            (dependant.response_param_name, Part.RESPONSE, make_response),
        )
        if name is not None
    ]
    if (name := dependant.security_scopes_param_name) is not None:
        from carboy.fastapi.security.oauth2 import SecurityScopes

        scopes: Any = SecurityScopes(scopes=_get_oauth_scopes(dependant=dependant))
        found.append(Special(name, Part.CONSTANT, scopes))
    return tuple(found)


class _Binder:
    """(request, body) -> (values by name, errors) for one function, the interpreted way."""

    def __init__(self, dependant: Dependant) -> None:
        self.dependant = dependant
        self.embed = False

    def __call__(self, request: RequestContext, body: Any) -> Any:
        values, errors = self._parameters(request)
        body_params = self.dependant.body_params
        if not body_params:
            return values, errors
        from carboy.fastapi.dependencies.forms import request_body_to_args

        steps = request_body_to_args(body_params, _received(body), self.embed)
        if any(isinstance(one.field_info, Form) for one in body_params):
            return self._awaited(values, errors, steps)
        more, wrong = _at_once(steps)
        return {**values, **more}, [*errors, *wrong]

    def _parameters(self, request: RequestContext) -> tuple[dict[str, Any], Errors]:
        from carboy.fastapi.dependencies.values import request_params_to_args

        dependant = self.dependant
        dressed = make_request(request)
        values: dict[str, Any] = {}
        errors: Errors = []
        for fields, received in (
            (dependant.path_params, "path_params"),
            (dependant.query_params, "query_params"),
            (dependant.header_params, "headers"),
            (dependant.cookie_params, "cookies"),
        ):
            if fields:
                found, wrong = request_params_to_args(fields, getattr(dressed, received))
                values.update(found)
                errors.extend(wrong)
        return values, errors

    @staticmethod
    async def _awaited(values: dict[str, Any], errors: Errors, steps: Any) -> Any:
        more, wrong = await steps
        return {**values, **more}, [*errors, *wrong]


def _received(body: Any) -> Any:
    from carboy.core.decode import UNSET, Undecoded
    from carboy.fastapi._compat import Undefined

    if isinstance(body, Undecoded):
        return body.value
    return Undefined if body is UNSET else body


def _at_once(steps: Any) -> Any:
    """The result of a coroutine that has nothing to wait for."""
    try:
        steps.send(None)
    except StopIteration as stop:
        return stop.value
    steps.close()
    raise RuntimeError("reading a JSON body waited for something")


def override_of(function: Function, call: Callable[..., Any]) -> Function:
    """The function that stands in for a dependency, with `call`'s own signature."""
    from carboy.fastapi.dependencies.analysis import get_dependant

    old: Dependant = function.source
    new = get_dependant(
        path=old.path or "",
        call=call,
        name=old.name,
        parent_oauth_scopes=_get_oauth_scopes(dependant=old),
        scope=old.scope,
        concurrency=old.concurrency,
    )
    made = function_for(new, function.path_names, {})
    _limit(made, new)
    decide_bodies(made, function.embeds)
    return made


def decide_bodies(function: Function, embed: bool) -> None:
    """Whether body parameters take the whole body or a key each; all of a route's together."""
    for one in function.walk():
        one.embeds = embed
        if isinstance(one.bind, _Binder):
            one.bind.embed = embed
        for parameter in one.parameters:
            if parameter.source is Source.BODY:
                parameter.whole = not embed


def _reads_live(function: Any) -> bool:
    """Whether the body is left for somebody to read: who has the request, and wants no whole body.

    A dependency says that it does by an attribute, `wants_body = True` (carboy.kept has some).
    """
    functions = list(function.walk())
    if any(getattr(one.call, "wants_body", False) for one in functions):
        return False
    return any(one.specials or one.binds for one in functions)
