"""Class views: a view function made from a class, with decorators and methods declared on it.

`MethodView` looks for a method named like the HTTP method; HEAD falls back to ``get``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from inspect import iscoroutinefunction
from typing import Any, ClassVar

from carboy.flask.globals import current_app, request
from carboy.flask.typing import ResponseReturnValue, RouteCallable

#: Methods of HTTP that a `MethodView` may have a method for.
http_method_funcs = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})


class View:
    """Override `dispatch_request`; register ``V.as_view(name)`` as the view function of a rule."""

    #: Methods that the view takes; None for the rule's default.
    methods: ClassVar[Collection[str] | None] = None
    provide_automatic_options: ClassVar[bool | None] = None
    #: Applied to the view function, the first innermost.
    decorators: ClassVar[list[Callable[..., Any]]] = []
    #: Whether every request gets an instance of its own.
    init_every_request: ClassVar[bool] = True

    def dispatch_request(self) -> ResponseReturnValue:
        """The answer; gets the values of the URL as keyword arguments."""
        raise NotImplementedError

    @classmethod
    def _is_async(cls) -> bool:
        """Whether the view may be an ``async def`` function."""
        return iscoroutinefunction(cls.dispatch_request)

    def _answer(self, **kwargs: Any) -> Any:
        return self.dispatch_request(**kwargs)

    @classmethod
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> RouteCallable:
        """A view function called `name`; the other arguments go to the class."""
        single = None if cls.init_every_request else cls(*class_args, **class_kwargs)

        def instance() -> Any:
            # The class is looked up on the function: decorators of classes may replace it.
            return view.view_class(*class_args, **class_kwargs) if single is None else single

        def plain_view(**kwargs: Any) -> Any:
            return current_app.ensure_sync(instance().dispatch_request)(**kwargs)

        async def async_view(**kwargs: Any) -> Any:
            return await instance()._answer(**kwargs)

        view: Any = async_view if cls._is_async() else plain_view
        view.__module__ = cls.__module__
        decorated: Any = _named(view, name)
        for decorate in cls.decorators:
            decorated = _named(decorate(decorated), name)
        decorated.view_class = view.view_class = cls
        decorated.__doc__ = cls.__doc__
        decorated.__module__ = cls.__module__
        decorated.methods = cls.methods
        decorated.provide_automatic_options = cls.provide_automatic_options
        return decorated  # type: ignore[no-any-return]


def _named(view: Any, name: str) -> Any:
    view.__name__ = name
    return view


class MethodView(View):
    """One method of the class for each HTTP method."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" in cls.__dict__:
            return
        above = (getattr(base, "methods", None) or () for base in cls.__bases__)
        inherited = set[str]().union(*above)
        own = {name.upper() for name in http_method_funcs if hasattr(cls, name)}
        # A class without any is a base for others and says nothing.
        if found := inherited | own:
            cls.methods = found

    def dispatch_request(self, **kwargs: Any) -> ResponseReturnValue:
        return current_app.ensure_sync(self._method())(**kwargs)

    def _method(self) -> Any:
        method = getattr(self, request.method.lower(), None)
        if method is None and request.method == "HEAD":
            method = getattr(self, "get", None)
        assert method is not None, f"{type(self).__name__} has no method for {request.method!r}"
        return method

    @classmethod
    def _is_async(cls) -> bool:
        if cls.dispatch_request is not MethodView.dispatch_request:
            return super()._is_async()
        methods = [getattr(cls, name) for name in http_method_funcs if hasattr(cls, name)]
        return bool(methods) and all(iscoroutinefunction(one) for one in methods)

    def _answer(self, **kwargs: Any) -> Any:
        if type(self).dispatch_request is not MethodView.dispatch_request:
            return self.dispatch_request(**kwargs)
        return self._method()(**kwargs)
