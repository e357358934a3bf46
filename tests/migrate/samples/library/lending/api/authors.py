"""Authors, for other libraries."""

from flask import request
from flask_restx import Namespace, Resource, abort, fields, marshal

from lending.extensions import db
from lending.models import Author

ns = Namespace("authors", description="Who wrote what.")

author_fields = {
    "id": fields.Integer,
    "name": fields.String,
    "country": fields.String(default="??"),
    "titles": fields.List(fields.String(attribute="title"), attribute="books"),
}


@ns.route("/")
class AuthorList(Resource):
    def get(self):
        """All authors, of one country (``?country=``)"""
        query = Author.query.order_by(Author.name)
        country = request.args.get("country")
        if country:
            query = query.filter_by(country=country.upper())
        return {"authors": marshal(query.all(), author_fields)}

    def post(self):
        """Add an author"""
        data = request.get_json()
        if not data.get("name"):
            abort(400, "An author has a name.", field="name")
        author = Author(name=data["name"], country=data.get("country"))
        db.session.add(author)
        db.session.commit()
        return marshal(author, author_fields), 201, {"Location": f"/api/authors/{author.id}"}


@ns.route("/<int:author_id>")
class AuthorItem(Resource):
    def get(self, author_id):
        """An author"""
        author = db.session.get(Author, author_id)
        if author is None:
            return {"message": "unknown author"}, 404
        return marshal(author, author_fields)
