"""The desk: librarians only."""

import csv
import io
from datetime import date

from flask import (
    Blueprint,
    abort,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from sqlalchemy.exc import IntegrityError

from lending.extensions import db, login_manager
from lending.forms import BookForm
from lending.models import Author, Book, Loan, Member

bp = Blueprint("desk", __name__)


@bp.before_request
def librarians_only():
    """Everybody else is sent away."""
    if not current_user.is_authenticated:
        return login_manager.unauthorized()
    if not current_user.is_librarian:
        abort(403, "The desk is for librarians.")
    return None


def _book_form(**given):
    form = BookForm(**given)
    authors = Author.query.order_by(Author.name)
    form.author_id.choices = [(author.id, author.name) for author in authors]
    return form


@bp.route("/")
def books():
    """All books."""
    return render_template("desk/books.html", books=Book.query.order_by(Book.id).all())


@bp.route("/books/new", methods=["GET", "POST"])
def add():
    """Put a book on the shelf."""
    form = _book_form()
    if form.validate_on_submit():
        book = Book()
        form.populate_obj(book)
        db.session.add(book)
        db.session.commit()
        flash(f"{book.title} has number {book.id}.", "success")
        return redirect(url_for("desk.books"))
    return render_template("desk/book.html", form=form)


@bp.route("/books/<int:book_id>", methods=["GET", "POST"])
def edit(book_id):
    """Change what we know of a book."""
    book = db.get_or_404(Book, book_id)
    form = _book_form(obj=book)
    if form.validate_on_submit():
        form.populate_obj(book)
        db.session.commit()
        return redirect(url_for("desk.books"))
    return render_template("desk/book.html", form=form, book=book)


@bp.route("/books/<int:book_id>/isbn", methods=["POST"])
def set_isbn(book_id):
    """Give a book its number; no two have the same."""
    book = db.get_or_404(Book, book_id)
    book.isbn = request.form.get("isbn", "").strip() or None
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        flash("Another book has that number.", "warning")
    return redirect(url_for("desk.books"))


@bp.route("/books/<int:book_id>/delete", methods=["POST"])
def delete(book_id):
    """Take a book off the shelf, unless somebody has it."""
    book = db.get_or_404(Book, book_id)
    if book.available < book.copies:
        abort(409)
    db.session.delete(book)
    db.session.commit()
    return redirect(url_for("desk.books"))


@bp.route("/overdue")
def overdue():
    """Who is late, by a day (``?on=2024-12-31``) or today."""
    on = request.args.get("on", type=date.fromisoformat) or date.today()
    late = Loan.query.filter(Loan.due < on, Loan.returned.is_(False)).order_by(Loan.due, Loan.id)
    return jsonify(
        [{"loan": loan.id, "book": loan.book.title, "member": loan.member.name} for loan in late]
    )


@bp.route("/members/<name>")
def member(name):
    """A member by name."""
    found = Member.query.filter_by(name=name).one_or_404()
    return {"name": found.name, "email": found.email, "loans": len(found.loans)}


@bp.route("/books.csv")
def report():
    """All books for the accountant."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["id", "title", "copies", "price"])
    for book in db.session.scalars(db.select(Book).order_by(Book.id)):
        rows.writerow([book.id, book.title, book.copies, book.price])
    response = make_response(out.getvalue())
    response.mimetype = "text/csv"
    response.headers["Content-Disposition"] = "attachment; filename=books.csv"
    return response
