"""A tea shop in plain Flask: nothing in this folder knows of Carboy.

`create_app` puts it together from blueprints (catalogue, account, stock) and three extensions.
"""

from pathlib import Path

from flask import Flask, render_template, request
from flask_wtf.csrf import CSRFError

from shop.account import account
from shop.catalogue import basket_size, catalogue
from shop.commands import add_commands
from shop.models import csrf, db, login
from shop.stock import stock


def create_app(**settings):
    """The application; `settings` go over those of the environment (TEASHOP_SECRET_KEY ...)."""
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(
        SECRET_KEY="only for trying it out",
        SQLALCHEMY_DATABASE_URI="sqlite:///shop.db",
    )
    app.config.from_prefixed_env("TEASHOP")
    app.config.update(settings)
    Path(app.instance_path).mkdir(exist_ok=True)

    for extension in (db, login, csrf):
        extension.init_app(app)
    app.register_blueprint(catalogue)
    app.register_blueprint(account, url_prefix="/account")
    app.register_blueprint(stock, url_prefix="/stock")
    add_commands(app)

    app.register_error_handler(404, error_page)
    app.register_error_handler(403, error_page)
    app.register_error_handler(CSRFError, error_page)
    app.register_error_handler(500, error_page)
    app.context_processor(lambda: {"basket_size": basket_size()})
    app.after_request(no_sniffing)

    @app.template_filter()
    def euros(cents):
        return f"{cents / 100:.2f} €"

    return app


def error_page(error):
    """A page for people, JSON for programs."""
    if request.accept_mimetypes.best == "application/json":
        return {"error": error.name, "status": error.code}, error.code
    return render_template("error.html", error=error), error.code


def no_sniffing(response):
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
