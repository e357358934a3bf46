"""Extensions whose own test suites pass on Carboy as on Flask and FastAPI, at which version.

The figures are those of conformance/ (`make conformance SUITE=extensions` and `SUITE=libraries`); a
test holds this table to what is run there. And what is known of some others.
"""

from __future__ import annotations

#: Distribution -> (version, modules).
PROVEN: dict[str, tuple[str, tuple[str, ...]]] = {
    "apiflask": ("3.1.2", ("apiflask",)),
    "flask-caching": ("2.5.1", ("flask_caching",)),
    "flask-compress": ("1.25", ("flask_compress",)),
    "flask-cors": ("6.0.5", ("flask_cors",)),
    "flask-dance": ("7.1.0", ("flask_dance",)),
    "flask-httpauth": ("4.8.1", ("flask_httpauth",)),
    "flask-jwt-extended": ("4.7.4", ("flask_jwt_extended",)),
    "flask-limiter": ("4.1.1", ("flask_limiter",)),
    "flask-login": ("0.6.3", ("flask_login",)),
    "flask-marshmallow": ("1.5.0", ("flask_marshmallow",)),
    "flask-migrate": ("4.1.0", ("flask_migrate",)),
    "flask-moment": ("1.0.6", ("flask_moment",)),
    "flask-openapi3": ("4.3.2", ("flask_openapi3",)),
    "flask-restful": ("0.3.10", ("flask_restful",)),
    "flask-restx": ("1.3.2", ("flask_restx",)),
    "flask-smorest": ("0.47.0", ("flask_smorest",)),
    "flask-socketio": ("5.7.0", ("flask_socketio",)),
    "flask-sqlalchemy": ("3.1.1", ("flask_sqlalchemy",)),
    "flask-talisman": ("1.1.0", ("flask_talisman",)),
    "flask-wtf": ("1.3.0", ("flask_wtf",)),
    "httpbin": ("0.10.4", ("httpbin",)),
    "prometheus-fastapi-instrumentator": ("8.1.0", ("prometheus_fastapi_instrumentator",)),
    "sqladmin": ("0.32.0", ("sqladmin",)),
    "titiler.application": ("2.4.0", ("titiler",)),
}
BY_MODULE = {module: name for name, (_, modules) in PROVEN.items() for module in modules}

#: Module -> the version at which small applications answered as on Flask (docs/extensions.md).
SEEN = {
    "flasgger": "0.9.7.1",
    "flask_admin": "2.2.1",
    "flask_appbuilder": "5.3.0",
    "flask_apscheduler": "1.13.1",
    "flask_assets": "2.1.0",
    "flask_babel": "4.0.0",
    "flask_bcrypt": "1.0.1",
    "flask_ckeditor": "1.0.0",
    "flask_classful": "0.16.0",
    "flask_debugtoolbar": "0.16.0",
    "flask_executor": "1.0.0",
    "flask_healthz": "1.0.1",
    "flask_htmx": "0.4.0",
    "flask_injector": "0.15.0",
    "flask_mail": "0.10.0",
    "flask_mailman": "1.1.1",
    "flask_menu": "2.0.1",
    "flask_minify": "0.50",
    "flask_monitoringdashboard": "5.1.0",
    "flask_paranoid": "0.3.0",
    "flask_principal": "0.4.0",
    "flask_pydantic": "0.14.0",
    "flask_seasurf": "2.0.0",
    "flask_security": "5.9.2",
    "flask_session": "0.8.0",
    "flask_sitemap": "0.4.0",
    "flask_uploads": "1.6.0",
    "prometheus_flask_exporter": "0.23.2",
}

#: What there is to say of a module, whatever has been tested: (level, advice).
NOTES: dict[str, tuple[str, str]] = {
    "eventlet": (
        "unsupported",
        (
            "Carboy's servers wait on asyncio's loop and in threads, and gunicorn has no eventlet "
            "worker any more: take its monkey_patch() and worker class away."
        ),
    ),
    "uwsgi": (
        "unsupported",
        (
            "the module exists inside of uWSGI only: what it does (spooler, cache, timers, locks) "
            "needs something else under another server."
        ),
    ),
    "uwsgidecorators": (
        "unsupported",
        "its functions exist inside of uWSGI only: use a task queue, or the server's own process.",
    ),
    "gevent": (
        "different",
        (
            "works in gunicorn's gevent worker (carboy exec -- gunicorn -k gevent); for carboy run "
            "leave monkey.patch_all() out, views run in threads there."
        ),
    ),
    "flask_socketio": (
        "untested",
        (
            "its own suite passes in memory; under carboy run polling works and WebSockets are "
            "refused, so that clients go on polling. For these: async_mode='threading' and "
            "carboy exec -- gunicorn --threads 100, or socketio.run()."
        ),
    ),
    "flask_sock": (
        "untested",
        (
            "it takes the socket out of other servers' WSGI environ, which Carboy's has not: serve "
            "it by carboy exec -- gunicorn --threads 100, or use @app.websocket of carboy.App."
        ),
    ),
    "flask_sockets": (
        "unsupported",
        "it needs gevent-websocket's server: use @app.websocket of carboy.App.",
    ),
    "quart": ("untested", "Quart is a framework of its own, of which there is no face here."),
}
