"""A shelf of books: a JSON API with two pages, on nothing but Flask."""

from flask import Flask, jsonify

from shelf import pages
from shelf.books import bp as books
from shelf.readers import bp as readers


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(SECRET_KEY="only for tests", SHELF="Third from the left")
    app.config["LIMIT"] = 10

    @app.route("/health")
    def health():
        app.logger.info("asked for health")
        return {"status": "ok", "testing": app.config["TESTING"]}

    @app.errorhandler(404)
    def missing(error):
        return jsonify(error=error.description, status=error.code), 404

    @app.errorhandler(OutOfStock)
    def out_of_stock(error):
        return {"error": str(error)}, 409

    app.register_blueprint(books, url_prefix="/books")
    app.register_blueprint(readers)
    app.register_blueprint(pages.bp)
    return app


from shelf.stock import OutOfStock  # noqa: E402

app = create_app()

if __name__ == "__main__":
    app.run(debug=True, port=8001)
