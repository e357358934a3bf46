"""Books, for other libraries."""

from flask_login import current_user
from flask_restx import Namespace, Resource, fields, inputs, reqparse

from lending.extensions import db
from lending.models import Author, Book

ns = Namespace("books", description="What is on the shelves.")

author_model = ns.model("BookAuthor", {"id": fields.Integer, "name": fields.String})

book_model = ns.model(
    "Book",
    {
        "id": fields.Integer(readonly=True, description="The number on the spine."),
        "title": fields.String(required=True, min_length=1, max_length=120),
        "isbn": fields.String,
        "year": fields.Integer(min=1450),
        "copies": fields.Integer(default=1, min=0),
        "author": fields.Nested(author_model),
        "free": fields.Integer(attribute="available"),
    },
)

new_book_model = ns.model(
    "NewBook",
    {
        "title": fields.String(required=True, min_length=1, max_length=120),
        "author_id": fields.Integer(required=True),
        "isbn": fields.String,
        "year": fields.Integer(min=1450),
        "copies": fields.Integer(default=1, min=0),
    },
)

search = reqparse.RequestParser()
search.add_argument("q", type=str, default="", help="Part of a title.")
search.add_argument("limit", type=int, default=10, help="How many at most.")
search.add_argument("free", type=inputs.boolean, default=False, help="Only what can be had.")
search.add_argument("order", choices=("title", "year"), default="title")

copies_parser = reqparse.RequestParser()
copies_parser.add_argument("copies", type=int, required=True, location="json", help="How many?")


@ns.route("/")
class BookList(Resource):
    """All books, and how to add one."""

    @ns.doc("list_books")
    @ns.expect(search)
    @ns.marshal_list_with(book_model)
    def get(self):
        """Find books"""
        args = search.parse_args()
        query = Book.query.filter(Book.title.contains(args["q"], autoescape=True))
        query = query.order_by(getattr(Book, args["order"]), Book.id)
        books = [book for book in query if book.available > 0 or not args["free"]]
        return books[: args["limit"]]

    @ns.doc("add_book")
    @ns.expect(new_book_model, validate=True)
    @ns.marshal_with(book_model, code=201)
    @ns.response(404, "There is no such author.")
    def post(self):
        """Add a book"""
        data = ns.payload
        if db.session.get(Author, data["author_id"]) is None:
            ns.abort(404, f"There is no author {data['author_id']}.")
        book = Book(
            title=data["title"],
            author_id=data["author_id"],
            isbn=data.get("isbn"),
            year=data.get("year"),
            copies=data.get("copies", 1),
        )
        db.session.add(book)
        db.session.commit()
        return book, 201


@ns.route("/<int:book_id>")
@ns.param("book_id", "The number on the spine.")
@ns.response(404, "There is no such book.")
class BookItem(Resource):
    """One book."""

    @ns.marshal_with(book_model)
    def get(self, book_id):
        """Look at a book"""
        return db.get_or_404(Book, book_id)

    @ns.expect(new_book_model, validate=True)
    @ns.marshal_with(book_model)
    def put(self, book_id):
        """Describe a book anew"""
        book = db.get_or_404(Book, book_id)
        for name, value in ns.payload.items():
            setattr(book, name, value)
        db.session.commit()
        return book

    @ns.response(204, "It is gone.")
    def delete(self, book_id):
        """Take a book off the shelf"""
        if not current_user.is_authenticated or not current_user.is_librarian:
            ns.abort(401, "Librarians only.")
        book = db.get_or_404(Book, book_id)
        db.session.delete(book)
        db.session.commit()
        return "", 204


@ns.route("/<int:book_id>/copies")
class BookCopies(Resource):
    """How many there are."""

    @ns.expect(copies_parser)
    def patch(self, book_id):
        """Count again"""
        args = copies_parser.parse_args()
        book = db.get_or_404(Book, book_id)
        book.copies = args.copies
        db.session.commit()
        return {"id": book.id, "copies": book.copies}
