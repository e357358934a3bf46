"""A small town's lending library: pages for readers, a desk for librarians, an API for machines."""

from flask import Flask, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from lending import account, catalogue, commands, desk, feedback
from lending.api import api_bp
from lending.extensions import csrf, db, login_manager


def create_app(config=None):
    """Make the application."""
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY="change me",
        SQLALCHEMY_DATABASE_URI="sqlite:///library.sqlite",
        BOOKS_PER_PAGE=3,
        LOAN_DAYS=21,
        RESTX_MASK_SWAGGER=False,
    )
    app.config.from_prefixed_env("LIBRARY")
    app.config.update(config or {})

    db.init_app(app)
    login_manager.init_app(app)
    csrf.init_app(app)
    # machines bring no token
    csrf.exempt(api_bp)
    csrf.exempt(feedback.bp)

    app.register_blueprint(catalogue.bp)
    app.register_blueprint(account.bp, url_prefix="/account")
    app.register_blueprint(desk.bp, url_prefix="/desk")
    app.register_blueprint(feedback.bp, url_prefix="/feedback")
    app.register_blueprint(api_bp, url_prefix="/api")
    commands.init_app(app)

    app.register_error_handler(404, not_found)
    app.register_error_handler(403, refused)

    @app.after_request
    def add_name(response):
        response.headers["X-Library"] = "Smallville"
        return response

    @app.context_processor
    def opening():
        return {"opening_hours": "Mon-Fri 9-18"}

    @app.template_filter("euros")
    def euros(amount):
        return f"{amount:.2f} €"

    return app


def wants_json():
    """Does this request come from a program?"""
    return (
        request.path.startswith("/feedback") or request.accept_mimetypes.best == "application/json"
    )


def not_found(error: HTTPException):
    """What is not there: a page for people, JSON for programs."""
    if wants_json():
        return jsonify(error="not found", path=request.path), 404
    return render_template("error.html", message="We have no such page."), 404


def refused(error: HTTPException):
    """What somebody may not do."""
    if wants_json():
        return jsonify(error=error.description), 403
    return render_template("error.html", message=error.description), 403
