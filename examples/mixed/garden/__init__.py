"""A shop for seeds on its way from Flask to typed routes.

Flask as it was: `models`, `pages`, `account`, and the templates. Typed: `api` (JSON, for the pages'
scripts and for programs) and `packing` (a page). `basket` is used by both kinds. `create_app` puts
all of it together; where it said ``Flask(__name__)`` it says ``App(...)`` now.
"""

# Flask-Login, Flask-SQLAlchemy and Flask-WTF import `flask`: from here on that is Carboy's face.
import carboy.dropin  # noqa: F401

# isort: split
from pathlib import Path

from flask import render_template, session

from carboy import App
from garden import account, api, basket, packing, pages
from garden.filling import fill
from garden.models import csrf, db, login


def create_app(**settings: object) -> App:
    """The application; `settings` go over those of the environment (GARDEN_SECRET_KEY ...)."""
    app = App(title="Seed & Stem", instance_relative_config=True)
    app.config.from_mapping(
        SECRET_KEY="only for trying it out",
        SQLALCHEMY_DATABASE_URI="sqlite:///garden.db",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.config.from_prefixed_env("GARDEN")
    app.config.update(settings)
    Path(app.instance_path).mkdir(exist_ok=True)

    for extension in (db, login, csrf):
        extension.init_app(app.flask)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(account.blueprint, url_prefix="/account")
    app.include_router(api.router)
    app.include_router(packing.router)

    app.register_error_handler(403, error_page)
    app.register_error_handler(404, error_page)
    app.context_processor(lambda: {"basket_size": basket.size(session)})
    app.add_template_filter(euros)
    app.after_request(no_sniffing)

    with app.app_context():
        fill()
    return app


def error_page(error):
    return render_template("error.html", error=error), error.code


def euros(cents):
    return f"{cents / 100:.2f} €"


def no_sniffing(response):
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
