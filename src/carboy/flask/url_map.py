"""`app.url_map`: every rule in its rank, as Routes for the engine and by endpoint for `url_for`.

Rules are Werkzeug's Rule objects as data; matching is the engine's router, building is here. For a
rule that ends in a slash there is a second route without it, and the other way round where slashes
are not strict: whether they redirect or answer is the adapter's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import SecurityError
from werkzeug.routing import BaseConverter, Map, Rule, RuleFactory
from werkzeug.routing.converters import DEFAULT_CONVERTERS
from werkzeug.wsgi import get_host

from carboy.core.pattern import Pattern, regex_for
from carboy.core.route import Lane, Route
from carboy.flask.adapter import MapAdapter
from carboy.flask.rules import LENIENT, Bound, Weight, bind

ENGINE_KEY = "carboy.request"
#: What a map is told when it is made, besides its rules.
_SETTINGS = (
    *("default_subdomain", "strict_slashes", "merge_slashes", "redirect_defaults"),
    *("converters", "sort_parameters", "sort_key", "host_matching"),
)
#: Which warnings have been given; `warnings` keeps it.
_WARNED: dict[str | tuple[str, type[Warning], int], int] = {}


class Seen(NamedTuple):
    """What a route of the engine stands for: a rule, as written or with its slash toggled."""

    bound: Bound
    other_slash: bool
    #: Whether that is one more than was written.
    extra_slash: bool = False


class UrlMap:
    """The rules of an application. `changed` is called when there is one more."""

    default_converters = ImmutableDict(DEFAULT_CONVERTERS)

    def __init__(
        self,
        rules: Iterable[RuleFactory] | None = None,
        default_subdomain: str = "",
        strict_slashes: bool = True,
        merge_slashes: bool = True,
        redirect_defaults: bool = True,
        converters: Mapping[str, type[BaseConverter]] | None = None,
        sort_parameters: bool = False,
        sort_key: Callable[[Any], Any] | None = None,
        host_matching: bool = False,
    ) -> None:
        self.default_subdomain = default_subdomain
        self.strict_slashes = strict_slashes
        self.merge_slashes = merge_slashes
        self.redirect_defaults = redirect_defaults
        self.converters: dict[str, type[BaseConverter]] = {**self.default_converters}
        self.converters.update(converters or {})
        self.sort_parameters = sort_parameters
        self.sort_key = sort_key
        self.host_matching = host_matching
        self.changed: Callable[[], None] = lambda: None
        #: The engine's router, made anew after a change.
        self.router: Callable[[], Any] = lambda: None
        #: Called before the map is looked at: an `App` adds the names of its typed routes then.
        self.asked: Callable[[], Any] = lambda: None
        self.by_endpoint: dict[Any, list[Bound]] = {}
        #: Whether any rule cares for the host: then the path alone does not settle a match.
        self.knows_hosts = False
        #: Rules for WebSockets, in their rank: WSGI servers hand those over as GET requests.
        self.sockets: list[Bound] = []
        self._routes: list[tuple[tuple[Weight, ...], Route]] = []
        for one in rules or ():
            self.add(one)

    def add(self, rulefactory: RuleFactory) -> None:
        """Add a rule, or those that a factory makes."""
        for rule in rulefactory.get_rules(self):  # type: ignore[arg-type]
            bound = bind(rule, self)
            same = self.by_endpoint.setdefault(rule.endpoint, [])
            same.append(bound)
            same.sort(key=lambda one: one.rule.build_compare_key())
            if bound.host.source:
                self.knows_hosts = True
                bound.host_regex = re.compile(regex_for(bound.host.pieces))
            if rule.websocket and not rule.build_only:
                bound.path_regex = re.compile(regex_for(bound.path.pieces))
                self.sockets = sorted((*self.sockets, bound), key=lambda one: one.rank)
            elif not rule.build_only:
                for rank, route in self._routes_of(bound):
                    # COMPAT: no path begins with two slashes once it is matched.
                    if not route.pattern.source.startswith("//"):
                        self._routes.append((rank, route))
        self.changed()

    def _routes_of(self, bound: Bound) -> Iterator[tuple[tuple[Weight, ...], Route]]:
        pattern, rank = bound.path, bound.rank
        yield rank, self._route(pattern, Seen(bound, False))
        if pattern.source == "/":
            return
        if pattern.source.endswith("/"):
            # "/a" for "/a/": after a rule "/a" of its own, before any "/<name>".
            last = pattern.pieces[-1]
            assert isinstance(last, str)
            rest = (last[:-1],) if last != "/" else ()
            other = Pattern(pattern.source[:-1], (*pattern.pieces[:-1], *rest))
            yield (*rank[:-1], LENIENT), self._route(other, Seen(bound, True))
        crosses = any(not one.part_isolating for one in bound.converters.values())
        if not bound.rule.strict_slashes and not crosses:
            other = Pattern(pattern.source + "/", (*pattern.pieces, "/"))
            # After everything else that fits, be it an empty value.
            yield (*rank, LENIENT), self._route(other, Seen(bound, True, True))

    @staticmethod
    def _route(pattern: Pattern, seen: Seen) -> Route:
        methods = seen.bound.rule.methods
        return Route(
            pattern,
            None if methods is None else frozenset(methods),
            str(seen.bound.rule.endpoint),
            extras={"seen": seen},
        )

    def routes_in_rank(self, make_lane: Callable[[Route], Lane]) -> list[Route]:
        """Every route for the engine, the most specific first, the earlier of equals first."""
        return [route for _, route in self.ranked(make_lane)]

    def ranked(self, make_lane: Callable[[Route], Lane]) -> list[tuple[tuple[Weight, ...], Route]]:
        """The same with what each is ranked by."""
        self._routes.sort(key=lambda ranked: ranked[0])
        for _, route in self._routes:
            route.make_lane = make_lane
        return self._routes

    def iter_rules(self, endpoint: Any = None) -> Iterator[Rule]:
        """The rules, of one endpoint if it is given."""
        self.asked()
        if endpoint is not None:
            return iter([bound.rule for bound in self.by_endpoint[endpoint]])
        return iter([bound.rule for all_ in self.by_endpoint.values() for bound in all_])

    def is_endpoint_expecting(self, endpoint: Any, *arguments: str) -> bool:
        """Whether a rule of `endpoint` takes all these arguments."""
        self.asked()
        return any(
            bound.rule.arguments.issuperset(arguments) for bound in self.by_endpoint[endpoint]
        )

    def update(self) -> None:
        """COMPAT: nothing to do, everything is in order at all times."""

    # -- adapters -------------------------------------------------------------------------------

    def bind(
        self,
        server_name: str,
        script_name: str | None = None,
        subdomain: str | None = None,
        url_scheme: str = "http",
        default_method: str = "GET",
        path_info: str | None = None,
        query_args: Mapping[str, Any] | str | None = None,
    ) -> MapAdapter:
        """Where URLs are matched and built: at this host, below this path."""
        self.asked()
        if self.host_matching:
            if subdomain is not None:
                raise RuntimeError("host matching enabled and a subdomain was provided")
        elif subdomain is None:
            subdomain = self.default_subdomain
        host, colon, port = server_name.lower().partition(":")
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise SecurityError(f"{server_name!r} is no host name") from error
        return MapAdapter(
            self,
            f"{host}{colon}{port}",
            script_name or "/",
            subdomain,
            url_scheme,
            "/" if path_info is None else path_info,
            default_method,
            query_args,
        )

    def bind_to_environ(
        self, environ: Any, server_name: str | None = None, subdomain: str | None = None
    ) -> MapAdapter:
        """`bind` for a request; the subdomain is what its host has more than `server_name`."""
        environ = getattr(environ, "environ", environ)
        asked = get_host(environ).lower()
        scheme = environ["wsgi.url_scheme"]
        if _opens_socket(environ):
            scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
        if server_name is None:
            server_name = asked
        else:
            server_name = server_name.lower()
            server_name = server_name.removesuffix(
                {"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}.get(scheme, " ")
            )
        if subdomain is None and not self.host_matching:
            subdomain = _subdomain(asked, server_name)

        def text(key: str) -> str | None:
            value = environ.get(key)
            return None if value is None else value.encode("latin-1").decode("utf-8", "replace")

        adapter = self.bind(
            server_name,
            text("SCRIPT_NAME"),
            subdomain,
            scheme,
            environ["REQUEST_METHOD"],
            text("PATH_INFO"),
            text("QUERY_STRING"),
        )
        adapter.served = environ.get(ENGINE_KEY)
        return adapter

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.iter_rules())!r})"


def _opens_socket(environ: Any) -> bool:
    if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
        return False
    asked = environ.get("HTTP_CONNECTION", "").lower().split(",")
    return any(one.strip() == "upgrade" for one in asked)


def ours(url_map: Any) -> UrlMap:
    """`url_map`; one of Werkzeug's with all that it says as one of ours."""
    if not isinstance(url_map, Map):
        return url_map  # type: ignore[no-any-return]
    return UrlMap(
        [rule.empty() for rule in url_map.iter_rules()],
        **{name: getattr(url_map, name) for name in _SETTINGS},
    )


def _subdomain(asked: str, server_name: str) -> str:
    labels, known = asked.split("."), server_name.split(".")
    if labels[-len(known) :] != known:
        import warnings

        # COMPAT: in the name of upstream's module, which people's filters name.
        warnings.warn_explicit(
            f"Current server name {asked!r} doesn't match configured server name {server_name!r}",
            UserWarning,
            __file__,
            _subdomain.__code__.co_firstlineno,
            module="flask.app",
            registry=_WARNED,
        )
        return "<invalid>"
    return ".".join(filter(None, labels[: -len(known)]))
