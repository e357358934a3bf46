"""From a request to a rule and values, and from an endpoint and values to a URL.

A MapAdapter is the map seen from one host and path. `match` takes what the engine has found where
that settles it, else looks at every route that fits the path; it raises what upstream raises:
RequestRedirect, MethodNotAllowed, NotFound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urljoin, urlunsplit

from werkzeug.datastructures import MultiDict, iter_multi_items
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import BuildError, RequestRedirect, ValidationError, WebsocketMismatch

from carboy.core.route import Route
from carboy.flask.rules import SAFE, Bound

if TYPE_CHECKING:
    from carboy.core.context import RequestContext
    from carboy.flask.url_map import Seen, UrlMap

QueryArgs = Mapping[str, Any] | str | None
_HOLE = re.compile(r"<([^>]+)>")


class MapAdapter:
    """One view of a map. `served` is the engine's request, where there is one."""

    served: RequestContext | None = None

    def __init__(
        self,
        map: UrlMap,
        server_name: str,
        script_name: str,
        subdomain: str | None,
        url_scheme: str,
        path_info: str,
        default_method: str,
        query_args: QueryArgs = None,
    ) -> None:
        self.map = map
        self.server_name = server_name
        self.script_name = script_name if script_name.endswith("/") else f"{script_name}/"
        self.subdomain = subdomain
        self.url_scheme = url_scheme
        self.path_info = path_info
        self.default_method = default_method
        self.query_args = query_args

    # -- matching -------------------------------------------------------------------------------

    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: bool = False,
        query_args: QueryArgs = None,
        websocket: bool | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """(endpoint or rule, values), or an exception of routing."""
        query = query_args or self.query_args or {}
        opens_socket = self.url_scheme in ("ws", "wss") if websocket is None else websocket
        found = self._find_socket(path_info) if opens_socket else None
        bound, texts = found or self._find(path_info, method, query)
        if opens_socket and found is None:
            raise WebsocketMismatch
        try:
            values = bound.values(texts)
        except ValidationError:
            # COMPAT: no other rule is tried once the text has fitted one.
            raise self._missed(self._allowed_before(path_info, method)) from None
        self._redirect(bound, values, (method or self.default_method).upper(), query)
        return (bound.rule if return_rule else bound.rule.endpoint), values

    def _find(
        self, path_info: str | None, method: str | None, query: Any
    ) -> tuple[Bound, dict[str, str]]:
        served = self.served
        if path_info is None and method is None and served is not None and self._settled(served):
            target = served.target
            seen = target.route.extras.get("seen")
            if seen is not None and not seen.other_slash:
                return seen.bound, dict(zip(target.pattern.names, served.params, strict=True))
        path, wanted = self._wanted(path_info, method)
        allowed: set[str] = set()
        found = self._search(path, wanted, query, allowed)
        if found is not None:
            return found
        merged = re.sub("/{2,}", "/", path)
        if self.map.merge_slashes and merged != path:
            found = self._search(merged, wanted, query, allowed)
            if found is not None and found[0].rule.merge_slashes is not False:
                raise self._moved(merged, query)
        if not allowed and self._find_socket(path_info) is not None:
            raise WebsocketMismatch
        raise self._missed(allowed)

    def _find_socket(self, path_info: str | None) -> tuple[Bound, dict[str, str]] | None:
        """The rule for WebSockets that fits; the engine knows none of these."""
        path, _ = self._wanted(path_info, None)
        for bound in self.map.sockets:
            fits = bound.path_regex.fullmatch(path) if bound.path_regex else None
            of_host = self.texts_of_host(bound)
            if fits is not None and of_host is not None:
                return bound, {**of_host, **dict(zip(bound.path.names, fits.groups(), strict=True))}
        return None

    @staticmethod
    def _missed(allowed: set[str]) -> HTTPException:
        return MethodNotAllowed(valid_methods=list(allowed)) if allowed else NotFound()

    def _allowed_before(self, path_info: str | None, method: str | None) -> set[str]:
        """The methods of rules that fit as well, but were passed over."""
        allowed: set[str] = set()
        path, wanted = self._wanted(path_info, method)
        self._search(path, wanted, {}, allowed)
        return allowed

    def _wanted(self, path_info: str | None, method: str | None) -> tuple[str, str]:
        path = self.path_info if path_info is None else path_info
        return f"/{path.lstrip('/')}" if path else "", (method or self.default_method).upper()

    def _settled(self, served: RequestContext) -> bool:
        """Whether the engine has matched what this adapter would: same path, no host in play."""
        return (
            served.path == self.path_info
            and served.method == self.default_method
            and not self.map.knows_hosts
            and not self._domain
        )

    @property
    def _domain(self) -> str:
        if not self.map.host_matching and self.subdomain is not None:
            return self.subdomain
        return self.server_name

    def _search(
        self, path: str, method: str, query: Any, allowed: set[str]
    ) -> tuple[Bound, dict[str, str]] | None:
        for seen, texts in self._fitting(path):
            if isinstance(seen, Route):
                # A typed route of an App: found under its name, where the map has that. Its methods
                # are the path's, and OPTIONS, which the App answers.
                named: Bound | None = seen.extras.get("bound")
                if seen.methods is not None and method not in seen.methods:
                    allowed.update(seen.methods, ("OPTIONS",))
                elif named is not None and seen.guard is None:
                    return named, texts
                continue
            bound, other_slash, extra_slash = seen
            rule = bound.rule
            if rule.methods is not None and method not in rule.methods:
                # COMPAT: a slash too many is no matter for a lenient rule, one that lacks is.
                if not other_slash or extra_slash:
                    allowed.update(rule.methods)
                continue
            if other_slash and rule.strict_slashes:
                raise self._moved(f"{path}/", query)
            return bound, texts
        return None

    def _fitting(self, path: str) -> Iterable[tuple[Seen | Route, dict[str, str]]]:
        for _, target, params in self.map.router().candidates(path or "/"):
            seen: Seen | None = target.route.extras.get("seen")
            if seen is None:
                yield target.route, dict(zip(target.pattern.names, params, strict=True))
                continue
            bound = seen.bound
            if not path:
                # Nothing is left below a prefix: "/" without its slash.
                if bound.path.source != "/":
                    continue
                seen = seen._replace(other_slash=True)
            texts = dict(zip(target.pattern.names, params, strict=True))
            if (of_host := self.texts_of_host(bound)) is not None:
                yield seen, {**of_host, **texts}

    def texts_of_host(self, bound: Bound) -> dict[str, str] | None:
        """What a rule's host takes from this one, if it fits."""
        domain = self._domain
        if bound.host_regex is None:
            return None if domain else {}
        host = bound.host_regex.fullmatch(domain)
        return None if host is None else dict(zip(bound.host.names, host.groups(), strict=True))

    def _moved(self, path: str, query: Any) -> RequestRedirect:
        return RequestRedirect(self.make_redirect_url(quote(path, safe=SAFE), query))

    def _redirect(self, bound: Bound, values: dict[str, Any], method: str, query: Any) -> None:
        """Aliases, values that are another rule's defaults, and rules that redirect."""
        rule = bound.rule
        if self.map.redirect_defaults:
            if rule.alias:
                url = self.build(
                    rule.endpoint, values, method, force_external=True, append_unknown=False
                )
                text = self.encode_query_args(query)
                raise RequestRedirect(f"{url}?{text}" if text else url)
            for other in self.map.by_endpoint[rule.endpoint]:
                if other is bound:
                    break
                if other.rule.provides_defaults_for(rule) and other.rule.suitable_for(
                    values, method
                ):
                    values.update(other.rule.defaults or {})
                    path = other.build(other.path, values)
                    domain = other.build(other.host, values)
                    raise RequestRedirect(self.make_redirect_url(path, query, domain))
        if rule.redirect_to is not None:
            if isinstance(rule.redirect_to, str):
                to_url = {name: made.to_url for name, made in bound.converters.items()}
                target = _HOLE.sub(lambda hole: to_url[hole[1]](values[hole[1]]), rule.redirect_to)
            else:
                target = rule.redirect_to(self, **values)
            base = f"{self.url_scheme or 'http'}://{self.get_host(None)}{self.script_name}"
            raise RequestRedirect(urljoin(base, target))

    def test(self, path_info: str | None = None, method: str | None = None) -> bool:
        """Whether there is a rule for this, be it one that redirects."""
        try:
            self.match(path_info, method)
        except RequestRedirect:
            return True
        except HTTPException:
            return False
        return True

    def allowed_methods(self, path_info: str | None = None) -> Iterable[str]:
        """The methods that the path takes."""
        try:
            self.match(path_info, method="--")
        except MethodNotAllowed as error:
            return error.valid_methods or ()
        except HTTPException:
            pass
        return ()

    # -- building -------------------------------------------------------------------------------

    def get_host(self, domain_part: str | None) -> str:
        """The host for a rule's domain; None for this adapter's own."""
        if self.map.host_matching:
            return self.server_name if domain_part is None else domain_part
        subdomain = self.subdomain if domain_part is None else domain_part
        return f"{subdomain}.{self.server_name}" if subdomain else self.server_name

    def encode_query_args(self, query_args: QueryArgs) -> str:
        """Text for the query; text stays."""
        if isinstance(query_args, str):
            return query_args
        items = [(key, value) for key, value in iter_multi_items(query_args or {})]
        return urlencode([pair for pair in items if pair[1] is not None], safe="!$'()*,/:;?@")

    def make_redirect_url(
        self, path_info: str, query_args: QueryArgs = None, domain_part: str | None = None
    ) -> str:
        """The absolute URL of a path, with the query it was asked for with."""
        query = self.encode_query_args(self.query_args if query_args is None else query_args)
        path = "/".join((self.script_name.strip("/"), path_info.lstrip("/")))
        host = self.get_host(domain_part)
        return urlunsplit((self.url_scheme or "http", host, path, query, None))

    def build(
        self,
        endpoint: str,
        values: Mapping[str, Any] | None = None,
        method: str | None = None,
        force_external: bool = False,
        append_unknown: bool = True,
        url_scheme: str | None = None,
    ) -> str:
        """The URL of an endpoint: a path where it is on this host, else with scheme and host."""
        if isinstance(values, MultiDict):
            lists = dict.items(values)
            values = {key: one[0] if len(one) == 1 else one for key, one in lists if one}
        else:
            values = {key: one for key, one in (values or {}).items() if one is not None}
        built = None
        if method is None:
            built = self._partial_build(endpoint, values, self.default_method, append_unknown)
        built = built or self._partial_build(endpoint, values, method, append_unknown)
        if built is None:
            raise BuildError(endpoint, values, method, self)  # type: ignore[arg-type]
        domain, path, websocket = built
        host = self.get_host(domain)
        scheme = self.url_scheme if url_scheme is None else url_scheme
        secure = scheme in ("https", "wss")
        if websocket:
            force_external, scheme = True, "wss" if secure else "ws"
        elif scheme:
            scheme = "https" if secure else "http"
        here = host == self.server_name if self.map.host_matching else domain == self.subdomain
        if here and not force_external:
            return f"{self.script_name.rstrip('/')}/{path.lstrip('/')}"
        prefix = f"{scheme}:" if scheme else ""
        return f"{prefix}//{host}{self.script_name[:-1]}/{path.lstrip('/')}"

    def _partial_build(
        self, endpoint: str, values: Mapping[str, Any], method: str | None, append_unknown: bool
    ) -> tuple[str, str, bool] | None:
        first = None
        for bound in self.map.by_endpoint.get(endpoint, ()):
            rule = bound.rule
            if not rule.suitable_for(values, method):
                continue
            domain, path = bound.build(bound.host, values), bound.build(bound.path, values)
            unknown = {key: one for key, one in values.items() if key not in rule.arguments}
            if append_unknown and unknown:
                query = self._encode(unknown)
                path = f"{path}?{query}" if query else path
            built = domain, path, rule.websocket
            if not self.map.host_matching or domain == self.server_name:
                return built
            first = first or built
        return first

    def _encode(self, unknown: dict[str, Any]) -> str:
        if not self.map.sort_parameters:
            return self.encode_query_args(unknown)
        return self.encode_query_args(
            MultiDict(sorted(iter_multi_items(unknown), key=self.map.sort_key))
        )
