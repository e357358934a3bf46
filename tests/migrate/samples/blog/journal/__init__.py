"""A blog for a few people: everybody reads, members write."""

from pathlib import Path

from flask import Flask


def create_app(test_config=None):
    """Make the application; tests bring a configuration of their own."""
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(
        SECRET_KEY="dev",
        DATABASE=str(Path(app.instance_path, "journal.sqlite")),
    )

    if test_config is None:
        # secrets of the real site, where there are any
        app.config.from_pyfile("config.py", silent=True)
        app.config.from_prefixed_env("JOURNAL")
    else:
        app.config.update(test_config)

    Path(app.instance_path).mkdir(parents=True, exist_ok=True)

    @app.route("/hello")
    def hello():
        return "Hello from the journal!"

    from . import db

    db.init_app(app)

    from . import auth, blog

    app.register_blueprint(auth.bp)
    app.register_blueprint(blog.bp)

    # the list of posts is the front page: url_for("index") and url_for("blog.index") are both "/"
    app.add_url_rule("/", endpoint="index")

    return app
