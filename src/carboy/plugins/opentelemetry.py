"""A server span and the two metrics of a request, by OpenTelemetry's API: `OpenTelemetry`.

    telemetry = OpenTelemetry()
    telemetry.init_app(app)  # an application of the Flask face

Needs opentelemetry-api (``pip install carboy[opentelemetry]``), and reports to whatever provider is
set, before or after. Applications of the FastAPI face, `App` among them, report by themselves
(``telemetry=``), operations included; the plugin is silent where there is a server span already.
Source: the semantic conventions for HTTP, schema 1.44 (conventions.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider

from carboy.core.answer import Answer
from carboy.core.context import RequestContext
from carboy.core.plugin import Around, Steps
from carboy.core.route import Route
from carboy.plugins.conventions import BOUNDS, SCHEMA, known_methods, query, server
from carboy.plugins.following import follow, paths, sent, template_of

Fields = list[tuple[bytes, bytes]]


class _Fields(Getter[Fields]):
    """How propagators read a request's headers."""

    def get(self, carrier: Fields, key: str) -> list[str] | None:
        name = key.lower().encode("latin-1")
        values = [value.decode("latin-1") for field, value in carrier if field == name]
        # Baggage may be split over several headers, but only the first value would be read.
        return [",".join(values)] if values and name == b"baggage" else values or None

    def keys(self, carrier: Fields) -> list[str]:
        return [name.decode("latin-1") for name, _ in carrier]


_FIELDS = _Fields()


class OpenTelemetry:
    """A plugin that reports requests. Without a provider of its own it uses the global one.

    `exclude` names paths as they are declared ("/health") that are not reported.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        exclude: Iterable[str] = (),
    ) -> None:
        self.exclude = paths(exclude)
        self._methods = known_methods()
        about = "carboy", _version()
        self._tracer = trace.get_tracer(*about, tracer_provider, schema_url=SCHEMA)
        meter = metrics.get_meter(*about, meter_provider, schema_url=SCHEMA)
        self._duration = meter.create_histogram(
            "http.server.request.duration",
            unit="s",
            description="Duration of HTTP server requests.",
            explicit_bucket_boundaries_advisory=BOUNDS,
        )
        self._active = meter.create_up_down_counter(
            "http.server.active_requests",
            unit="{request}",
            description="Number of active HTTP server requests.",
        )

    def init_app(self, app: Any) -> None:
        """Report the requests of an application of the Flask face."""
        if not hasattr(app, "add_plugin"):
            raise TypeError(f"{app!r} reports by itself: give it telemetry=, or plugins=[...]")
        app.add_plugin(self)

    def around(self, route: Route) -> Around | None:
        """What reports the requests of `route`."""
        template = template_of(route)
        return None if template in self.exclude else partial(self._report, template)

    def _report(self, template: str, request: RequestContext) -> Steps:
        if getattr(trace.get_current_span(), "kind", None) is SpanKind.SERVER:
            yield  # somebody outside reports it
            return None
        exchange = _Exchange(self, template, request)
        token = context.attach(exchange.context)
        try:
            answer: Answer = yield
        except BaseException as error:
            exchange.fail(error)
            raise
        finally:
            context.detach(token)
        follow(request, answer, exchange.end)
        return None


class _Exchange:
    """One request, from its route to the last byte of its answer."""

    def __init__(self, telemetry: OpenTelemetry, template: str, request: RequestContext) -> None:
        self.telemetry = telemetry
        self.request = request
        scope = request.scope
        method = request.method if request.method in telemetry._methods else "_OTHER"
        self.counted = {"http.request.method": method, "url.scheme": scope["scheme"]}
        self.attributes: dict[str, Any] = {
            **self.counted,
            "network.protocol.version": scope["http_version"],
        }
        name = "HTTP" if method == "_OTHER" else method
        if template:
            self.attributes["http.route"] = template
            name = f"{name} {template}"
        parent = propagate.extract(request.headers, getter=_FIELDS)
        self.span: Span = telemetry._tracer.start_span(
            name,
            context=parent,
            kind=SpanKind.SERVER,
            attributes={**self.attributes, **_traced(request, scope, method)},
        )
        self.context = trace.set_span_in_context(self.span, parent)
        telemetry._active.add(1, self.counted)
        self.started = perf_counter()

    def end(self, status: int) -> None:
        """The answer is out."""
        self.attributes["http.response.status_code"] = status
        self._over(str(status) if status >= 500 else None)

    def fail(self, error: BaseException) -> None:
        """There is no answer of the endpoint's."""
        if isinstance(error, Exception):
            self.attributes["http.response.status_code"] = 500
            self.span.record_exception(error)
        elif status := sent(self.request, 0):
            self.end(status)
            return
        kind = type(error)
        is_own = kind.__module__ == "builtins"
        self._over(kind.__qualname__ if is_own else f"{kind.__module__}.{kind.__qualname__}")

    def _over(self, error: str | None) -> None:
        attributes, telemetry, span = self.attributes, self.telemetry, self.span
        if error is not None:
            attributes["error.type"] = error
            span.set_status(StatusCode.ERROR)
        # The span's context, so that exemplars of the measurement lead to it.
        telemetry._duration.record(perf_counter() - self.started, attributes, self.context)
        telemetry._active.add(-1, self.counted)
        span.set_attributes(attributes)
        span.end()


def _traced(request: RequestContext, scope: dict[str, Any], method: str) -> dict[str, Any]:
    """What only spans are told."""
    host, agent = request.header(b"host"), request.header(b"user-agent")
    authority = None if host is None else host.decode("latin-1")
    found = server(authority, scope["scheme"], scope.get("server"))
    found["url.path"] = scope["path"]
    if request.query:
        found["url.query"] = query(request.query.decode("latin-1"))
    if request.method != method:
        found["http.request.method_original"] = request.method
    if agent is not None:
        found["user_agent.original"] = agent.decode("latin-1")
    if scope.get("client"):
        found["client.address"] = scope["client"][0]
    return found


def _version() -> str:
    try:
        return version("carboy")
    except PackageNotFoundError:  # from a checkout
        return ""
