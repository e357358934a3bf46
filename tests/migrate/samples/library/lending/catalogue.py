"""The shelves as readers see them, and what they have at home."""

from datetime import date, timedelta

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user, login_required

from lending.extensions import db
from lending.models import Author, Book, Loan

bp = Blueprint("catalogue", __name__)


@bp.route("/")
def index():
    """The books, a page at a time; ``?q=`` searches titles."""
    q = request.args.get("q", "")
    page = request.args.get("page", 1, type=int)
    query = db.select(Book).order_by(Book.title)
    if q:
        query = query.where(Book.title.icontains(q, autoescape=True))
    books = db.paginate(query, page=page, per_page=current_app.config["BOOKS_PER_PAGE"])
    return render_template("index.html", books=books, q=q)


@bp.route("/about")
def about():
    """Who we are."""
    return render_template("about.html")


@bp.route("/books/<int:book_id>")
def book(book_id):
    """One book, with what readers say of it."""
    book = db.get_or_404(Book, book_id)
    return render_template("book.html", book=book)


@bp.route("/isbn/<isbn>")
def by_isbn(isbn):
    """Where scanners at the shelves go."""
    found = Book.query.filter_by(isbn=isbn).first_or_404()
    return redirect(url_for("catalogue.book", book_id=found.id), code=301)


@bp.route("/authors/<int:author_id>")
def author(author_id):
    """An author's books."""
    author = Author.query.get_or_404(author_id)
    return render_template("author.html", author=author)


@bp.route("/books/<int:book_id>/borrow", methods=["POST"])
@login_required
def borrow(book_id):
    """Take a book home."""
    book = db.get_or_404(Book, book_id)
    if book.available < 1:
        flash(f"{book.title} is out.", "warning")
        return redirect(url_for(".book", book_id=book_id))
    due = date.today() + timedelta(days=current_app.config["LOAN_DAYS"])
    db.session.add(Loan(member=current_user, book=book, due=due))
    db.session.commit()
    flash(f"Enjoy {book.title}!", "success")
    return redirect(url_for(".loans"))


@bp.route("/loans")
@login_required
def loans():
    """What this reader has at home; ``?all=1`` adds what came back."""
    everything = request.args.get("all", type=int)
    mine = [loan for loan in current_user.loans if everything or not loan.returned]
    return render_template("loans.html", loans=mine)


@bp.route("/loans/<int:loan_id>/return", methods=["POST"])
@login_required
def give_back(loan_id):
    """Bring a book back."""
    loan = db.get_or_404(Loan, loan_id)
    if loan.member_id != current_user.id:
        abort(403, "That is not your loan.")
    loan.returned = True
    db.session.commit()
    flash("Thank you!", "success")
    return redirect(url_for(".loans"))
