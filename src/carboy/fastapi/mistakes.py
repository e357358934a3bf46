"""What is said about declarations that can't work: what is wrong, where, and what to write instead.

Only texts, and the questions that choose between them. Whoever finds a mistake imports this then:
an application without mistakes never loads it. COMPAT: an error keeps the class that FastAPI
raises, and the words that its users look for; where FastAPI finds a mistake at a request only, and
every request would end in it, it is an error at the declaration.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ForwardRef, get_args

from carboy.fastapi.exceptions import FastAPIError

if TYPE_CHECKING:
    from carboy.fastapi._compat import ModelField


def place_of(call: Any) -> str:
    """A callable by its name, and where it stands."""
    plain = inspect.unwrap(call)
    name = getattr(plain, "__qualname__", None) or repr(call)
    code = getattr(plain, "__code__", None)
    return f"{name}()" if code is None else f"{name}() ({code.co_filename}:{code.co_firstlineno})"


def unknown_options(whose: str | type, given: Iterable[str], known: Iterable[str]) -> TypeError:
    """Keyword arguments that nothing takes; a class takes what its constructors name, too."""
    names, choices = sorted(given), list(known)
    if isinstance(whose, type):
        made = [vars(one)["__init__"] for one in whose.__mro__ if "__init__" in vars(one)]
        choices += [name for one in made for name in inspect.signature(one).parameters]
        whose = whose.__name__
    said = f"{whose} takes no {', '.join(names)}"
    near = [close for name in names for close in get_close_matches(name, choices, 1)]
    return TypeError(f"{said}: did you mean {', '.join(near)}?" if near else said)


def unreadable_parameter(call: Any, name: str, annotation: Any) -> FastAPIError:
    """A parameter of a type that nothing in a request can be made into."""
    inside = [one for one in get_args(annotation) if isinstance(one, type)]
    given = [one.__name__ for one in inside if one.__module__.startswith("starlette.")]
    if given:  # Request | None
        hint = f"Annotate it {given[0]} and nothing else: `{name}: {given[0]}`"
    else:
        hint = (
            "Make the class a pydantic model or a dataclass, or have a dependency make the object: "
            f"`{name}: Annotated[..., Depends(make_it)]`"
        )
    return FastAPIError(
        f"Invalid args for response field! The parameter {name!r} of {place_of(call)} is of "
        f"{annotation!r}, which is not a valid Pydantic field type: it can't be made of what a "
        f"request holds. {hint}."
    )


def unresolved(call: Any, field: ModelField) -> FastAPIError | None:
    """A parameter whose annotation names what is not to be found; None if this is not one."""
    annotation = field.field_info.annotation
    named = [one for one in (annotation, *get_args(annotation)) if isinstance(one, ForwardRef)]
    if not named:
        return None
    return FastAPIError(
        f"the parameter {field.name!r} of {place_of(call)} is annotated "
        f"{named[0].__forward_arg__!r}, and no such name is to be found in its module when the "
        "route is declared. Import it outside of `if TYPE_CHECKING:`, define it above the function."
    )


def no_dependency(dependency: Any, name: str, parent: Any) -> TypeError:
    """Depends with what can't be called."""
    kind = type(dependency)
    if kind.__module__ == "builtins" or inspect.iscoroutine(dependency):
        hint = "Depends takes the function itself and calls it: Depends(load), not Depends(load())"
    else:
        hint = f"give {kind.__qualname__} a __call__, or write Depends(lambda: the_object)"
    if inspect.iscoroutine(dependency):
        dependency.close()
    where = f"in the parameter {name!r} of {place_of(parent)}"
    return TypeError(f"{dependency!r} is not a callable object, {where}. {hint}.")


def managed(dependency: Any) -> str | None:
    """What is wrong with a dependency that is a context manager's maker; None if it is not one."""
    code = getattr(dependency, "__code__", None)
    if code is None or code.co_filename != contextlib.__file__:
        return None
    return (
        f"the dependency {place_of(dependency)} stands under @contextmanager or "
        "@asynccontextmanager. A dependency with yield is the plain generator function: take the "
        "decorator off, or write a dependency that enters it: `with it() as value: yield value`."
    )


def no_path(given: Any) -> TypeError:
    """A decorator that got something else for its path."""
    if callable(given):
        name = getattr(given, "__name__", repr(given))
        hint = f'it got the function {name}: write @app.get("/path"), with parentheses'
    else:
        hint = f"it got {given!r}"
    return TypeError(f'a route takes a path first, a text such as "/items/{{item_id}}"; {hint}.')


def more_methods(method: str, path: str, given: Any) -> TypeError:
    """Methods for the decorator of one."""
    return TypeError(
        f"@app.{method.lower()} got an unexpected keyword argument 'methods': it means {method} "
        f"alone. Write @app.api_route({path!r}, methods={given!r}), or one decorator for each."
    )


def not_methods(given: str) -> TypeError:
    """One text in place of a list: its letters would be the methods."""
    return TypeError(f"methods is a list of names, as in methods=[{given!r}], not {given!r} itself")


def no_status(given: Any) -> TypeError:
    """A status that is no number."""
    return TypeError(f"status_code is a number such as 201, or a name of fastapi.status: {given!r}")


def taken_by_nobody(call: Any, name: str, kind: str) -> FastAPIError | None:
    """A parameter for a special object that this kind of route has none of, and without default."""
    if inspect.signature(call).parameters[name].default is not inspect.Parameter.empty:
        return None
    asked, right = ("WebSocket", "@app.websocket") if kind == "HTTP" else ("Request", "@app.get")
    return FastAPIError(
        f"the parameter {name!r} of {place_of(call)} wants the {asked}, which a route for {kind} "
        f"has none of. Declare the function with {right}(...), or annotate the parameter "
        "HTTPConnection, which both have."
    )


def no_json(value: Any) -> str:
    """Why a returned value can't be written."""
    if inspect.iscoroutine(value):
        return f"{value!r} was returned without being awaited: `return await {value.__name__}(...)`"
    return (
        f"an object of {type(value).__module__}.{type(value).__qualname__} was returned, of which "
        "JSON can't be made: return a dict, a list, a pydantic model or a dataclass, or declare a "
        "response_model that reads it."
    )


def check_middleware(
    function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]
) -> None:
    """Raise for a function that can't be called with an application, as a middleware is."""
    with contextlib.suppress(TypeError):
        inspect.signature(function).bind(None, *args, **options)
        return
    name = function.__name__
    raise TypeError(
        f"add_middleware takes a class, or a function, that is called with the application; "
        f"{name}{inspect.signature(function)} can't be. A function of (request, call_next) goes "
        f'under @app.middleware("http").'
    )
