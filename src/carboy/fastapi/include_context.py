"""What including a router adds to its routes, as plain data.

`context_for` reads one inclusion; contexts are added up where inclusions are nested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Unpack

from starlette.routing import BaseRoute

from carboy.fastapi._body_limit import get_body_size_limit, validate_max_body_size
from carboy.fastapi._form_limits import _validate_form_limits
from carboy.fastapi.depends import Depends
from carboy.fastapi.policy import NOTHING, Policy, only
from carboy.fastapi.route_state import DEFAULT_ID, DEFAULT_JSON, DEFAULT_STRICT
from carboy.fastapi.scopes import Limits
from carboy.fastapi.utils import get_value_or_default

if TYPE_CHECKING:
    from carboy.fastapi.options import RingOptions
    from carboy.fastapi.router import APIRouter


@dataclass(eq=False, repr=False)
class IncludeContext:
    """What one inclusion, or several nested ones, add to every route."""

    included_router: APIRouter
    prefix: str = ""
    tags: list[str | Enum] = field(default_factory=list)
    dependencies: list[Depends] = field(default_factory=list)
    default_response_class: Any = DEFAULT_JSON
    responses: dict[int | str, dict[str, Any]] = field(default_factory=dict)
    callbacks: list[BaseRoute] = field(default_factory=list)
    deprecated: bool | None = None
    include_in_schema: bool = True
    generate_unique_id_function: Any = DEFAULT_ID
    strict_content_type: Any = DEFAULT_STRICT
    dependency_overrides_provider: Any = None
    max_body_size: int | None = None
    form_limits: Any = field(default_factory=dict)
    policy: Policy = field(default_factory=lambda: NOTHING)

    @property
    def limits(self) -> Limits:
        """Those of the routers on the way to a route."""
        return Limits(self.max_body_size, self.form_limits)

    def __add__(self, inner: IncludeContext) -> IncludeContext:
        """The context of an inclusion within this one."""
        return IncludeContext(
            included_router=inner.included_router,
            prefix=self.prefix + inner.prefix,
            tags=[*self.tags, *inner.tags],
            dependencies=[*self.dependencies, *inner.dependencies],
            default_response_class=get_value_or_default(
                inner.default_response_class, self.default_response_class
            ),
            responses={**self.responses, **inner.responses},
            callbacks=[*self.callbacks, *inner.callbacks],
            deprecated=self.deprecated or inner.deprecated,
            include_in_schema=self.include_in_schema and inner.include_in_schema,
            generate_unique_id_function=get_value_or_default(
                inner.generate_unique_id_function, self.generate_unique_id_function
            ),
            strict_content_type=get_value_or_default(
                inner.strict_content_type, self.strict_content_type
            ),
            dependency_overrides_provider=self.dependency_overrides_provider,
            max_body_size=get_body_size_limit(inner.max_body_size, self.max_body_size),
            form_limits={**self.form_limits, **inner.form_limits},
            policy=self.policy + inner.policy,
        )


def context_for(
    outer: APIRouter,
    inner: APIRouter,
    *,
    prefix: str = "",
    tags: list[str | Enum] | None = None,
    dependencies: Sequence[Depends] | None = None,
    default_response_class: Any = DEFAULT_JSON,
    responses: dict[int | str, dict[str, Any]] | None = None,
    callbacks: list[BaseRoute] | None = None,
    deprecated: bool | None = None,
    include_in_schema: bool = True,
    generate_unique_id_function: Any = DEFAULT_ID,
    max_body_size: int | None = None,
    form_limits: Any = None,
    **policy: Unpack[RingOptions],
) -> IncludeContext:
    """What including `inner` in `outer` with these options adds."""
    validate_max_body_size(max_body_size)
    return IncludeContext(
        included_router=inner,
        prefix=outer.prefix + prefix,
        tags=[*outer.tags, *(tags or ())],
        dependencies=[*outer.dependencies, *(dependencies or ())],
        default_response_class=get_value_or_default(
            default_response_class, outer.default_response_class
        ),
        responses={**outer.responses, **(responses or {})},
        callbacks=[*outer.callbacks, *(callbacks or ())],
        deprecated=deprecated or outer.deprecated,
        include_in_schema=outer.include_in_schema and include_in_schema,
        generate_unique_id_function=get_value_or_default(
            generate_unique_id_function, outer.generate_unique_id_function
        ),
        strict_content_type=outer.strict_content_type,
        dependency_overrides_provider=outer.dependency_overrides_provider,
        max_body_size=get_body_size_limit(inner.max_body_size, max_body_size, outer.max_body_size),
        form_limits={**_validate_form_limits(form_limits), **inner.form_limits},
        policy=outer.policy + only(policy, "include_router", max_body_size),
    )


def check_prefix(prefix: str) -> None:
    """Slashes belong before a prefix, and not behind it."""
    if prefix:
        assert prefix.startswith("/"), "A path prefix must start with '/'"
        assert not prefix.endswith("/"), (
            "A path prefix must not end with '/', as the routes will start with '/'"
        )


def check_paths(router: APIRouter) -> None:
    """No path may stay empty without a prefix. PERF: nothing is made of the routes for it."""
    for route in router.routes:
        context: IncludeContext | None = getattr(route, "include_context", None)
        if context is not None:
            if not context.prefix:
                check_paths(context.included_router)
        elif getattr(route, "path", None) == "":
            from carboy.fastapi.exceptions import FastAPIError

            name = getattr(route, "name", None) or "unknown"
            raise FastAPIError(f"Prefix and path cannot be both empty (path operation: {name})")
