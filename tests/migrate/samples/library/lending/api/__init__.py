"""The API for other libraries, with its own documentation at /api/."""

from flask import Blueprint
from flask_restx import Api

from lending.api.authors import ns as authors_ns
from lending.api.books import ns as books_ns
from lending.api.loans import ns as loans_ns

api_bp = Blueprint("api", __name__)
api = Api(api_bp, title="Library", version="2.1", description="Books of a small town.")
api.add_namespace(books_ns, path="/books")
api.add_namespace(authors_ns, path="/authors")
api.add_namespace(loans_ns, path="/loans")
