"""A callable's signature -> Dependant, and with it those of everything that it depends on.

What a single parameter asks for is declared.py's. Nothing here sees a request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from carboy.fastapi import params
from carboy.fastapi._compat import ModelField
from carboy.fastapi.dependencies.declared import (
    add_non_field_param_to_dependency,
    analyze_param,
)
from carboy.fastapi.dependencies.models import (
    Dependant,
    Scope,
    _get_computed_scope,
    _is_async_gen_callable,
    _is_gen_callable,
)
from carboy.fastapi.dependencies.signatures import get_typed_signature
from carboy.fastapi.exceptions import FastAPIError, UnreadableTypeError
from carboy.fastapi.utils import get_path_param_names

if TYPE_CHECKING:
    from carboy.fastapi.concurrency import _DependencyConcurrency


def get_dependant(
    *,
    path: str,
    call: Callable[..., Any],
    name: str | None = None,
    own_oauth_scopes: list[str] | None = None,
    parent_oauth_scopes: list[str] | None = None,
    use_cache: bool = True,
    scope: Scope | None = None,
    concurrency: _DependencyConcurrency | None = None,
) -> Dependant:
    """What `call` asks of a request to `path`."""
    dependant = Dependant(
        name=name,
        call=call,
        own_oauth_scopes=own_oauth_scopes,
        parent_oauth_scopes=parent_oauth_scopes,
        use_cache=use_cache,
        path=path,
        scope=scope,
        concurrency=concurrency,
    )
    path_names = get_path_param_names(path)
    for one in get_typed_signature(call).parameters.values():
        try:
            details = analyze_param(
                param_name=one.name,
                annotation=one.annotation,
                value=one.default,
                path_param_names=path_names,
            )
        except UnreadableTypeError:
            from carboy.fastapi.mistakes import unreadable_parameter

            raise unreadable_parameter(call, one.name, one.annotation) from None
        if details.depends is not None:
            dependant.dependencies.append(_sub_dependant(dependant, one.name, details.depends))
        elif details.field is not None:
            add_param_to_fields(field=details.field, dependant=dependant)
        else:
            add_non_field_param_to_dependency(
                param_name=one.name, type_annotation=details.type_annotation, dependant=dependant
            )
    if scope == "app":
        from carboy.fastapi.lasting import check

        check(dependant)
    return dependant


def _sub_dependant(parent: Dependant, name: str, depends: params.Depends) -> Dependant:
    """The Dependant behind a parameter; OAuth2 scopes go down to it."""
    _check_callable(parent, name, depends.dependency)
    assert depends.dependency
    _check_scopes(parent, depends)
    return get_dependant(
        path=parent.path or "",
        call=depends.dependency,
        name=name,
        own_oauth_scopes=_scopes_of(depends),
        parent_oauth_scopes=[
            *(parent.parent_oauth_scopes or ()),
            *(parent.own_oauth_scopes or ()),
        ],
        use_cache=depends.use_cache,
        scope=depends.scope,
        concurrency=depends._concurrency,
    )


def get_parameterless_sub_dependant(*, depends: params.Depends, path: str) -> Dependant:
    """The Dependant of one of a route's `dependencies=`, whose result nobody takes."""
    assert callable(depends.dependency), (
        "A parameter-less dependency must have a callable dependency"
    )
    return get_dependant(
        path=path,
        call=depends.dependency,
        own_oauth_scopes=_scopes_of(depends),
        scope=depends.scope,
        concurrency=depends._concurrency,
    )


def _scopes_of(depends: params.Depends) -> list[str]:
    return list(depends.scopes or ()) if isinstance(depends, params.Security) else []


def _check_callable(parent: Dependant, name: str, dependency: Any) -> None:
    """A dependency can be called, and is then what it looks like."""
    if callable(dependency) and not hasattr(dependency, "__wrapped__"):
        return
    from carboy.fastapi import mistakes

    if not callable(dependency):
        raise mistakes.no_dependency(dependency, name, parent.call)
    if (wrong := mistakes.managed(dependency)) is not None:
        raise FastAPIError(wrong)


def _check_scopes(parent: Dependant, depends: params.Depends) -> None:
    """What closes after the answer can't use what is closed before it."""
    if depends.scope != "function" or _get_computed_scope(dependant=parent) != "request":
        return
    if _is_gen_callable(parent.call) or _is_async_gen_callable(parent.call):
        from carboy.fastapi.exceptions import DependencyScopeError

        name = getattr(parent.call, "__name__", "<unnamed_callable>")
        raise DependencyScopeError(
            f'The dependency "{name}" has a scope of "request", it cannot depend on dependencies'
            ' with scope "function".'
        )


def add_param_to_fields(*, field: ModelField, dependant: Dependant) -> None:
    """Put a field where it belongs: among its kind."""
    info = field.field_info
    if isinstance(info, params.Body):
        dependant.body_params.append(field)
        return
    place = getattr(info, "in_", None)
    assert isinstance(place, params.ParamTypes), (
        f"non-body parameters must be in path, query, header or cookie: {field.name}"
    )
    getattr(dependant, f"{place.value}_params").append(field)
