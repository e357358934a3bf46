"""What readers say, as JSON: reviews, suggestions, the board."""

from flask import Blueprint, jsonify, request
from flask.views import MethodView
from flask_login import current_user, login_required
from marshmallow import ValidationError

from lending.extensions import db
from lending.forms import SuggestionForm
from lending.models import Book, Loan, Review
from lending.schemas import LoanSchema, MemberSchema, NoticeSchema, ReviewSchema, StarsSchema

bp = Blueprint("feedback", __name__)

review_schema = ReviewSchema()
reviews_schema = ReviewSchema(many=True)
notice_schema = NoticeSchema()


@bp.errorhandler(ValidationError)
def invalid(error):
    """What marshmallow found wrong."""
    return jsonify(errors=error.messages), 422


@bp.route("/reviews")
def reviews():
    """Reviews, of one book (``?book=``), or with so many stars (``?stars=``, repeatable)."""
    book_id = request.args.get("book", type=int)
    stars = request.args.getlist("stars", type=int)
    query = Review.query.order_by(Review.id)
    if book_id is not None:
        query = query.filter_by(book_id=book_id)
    if stars:
        query = query.filter(Review.stars.in_(stars))
    return jsonify(reviews_schema.dump(query))


@bp.route("/reviews", methods=["POST"])
@login_required
def add_review():
    """Say something of a book."""
    data = review_schema.load(request.get_json())
    db.get_or_404(Book, data["book_id"])
    review = Review(member_id=current_user.id, **data)
    db.session.add(review)
    db.session.commit()
    return jsonify(review_schema.dump(review)), 201


class ReviewView(MethodView):
    """One review; its author changes it."""

    def get(self, review_id):
        return jsonify(review_schema.dump(db.get_or_404(Review, review_id)))

    @login_required
    def patch(self, review_id):
        review = db.get_or_404(Review, review_id)
        if review.member_id != current_user.id:
            return jsonify(error="not yours"), 403
        for name, value in StarsSchema(partial=True).load(request.get_json()).items():
            setattr(review, name, value)
        db.session.commit()
        return jsonify(review_schema.dump(review))

    @login_required
    def delete(self, review_id):
        review = db.get_or_404(Review, review_id)
        if review.member_id != current_user.id:
            return jsonify(error="not yours"), 403
        db.session.delete(review)
        db.session.commit()
        return "", 204


bp.add_url_rule("/reviews/<int:review_id>", view_func=ReviewView.as_view("review"))


@bp.route("/me")
@login_required
def me():
    """Who is logged in."""
    return MemberSchema().dump(current_user)


@bp.route("/me/loans")
@login_required
def my_loans():
    """What the reader has at home."""
    loans = Loan.query.filter_by(member_id=current_user.id).order_by(Loan.id).all()
    return {"loans": LoanSchema(many=True, exclude=["due"]).dump(loans)}


@bp.route("/notices", methods=["POST"])
def notices():
    """Shows how a notice would look on the board."""
    notice = notice_schema.load(request.get_json())
    return jsonify(notice_schema.dump(notice)), 201


@bp.route("/suggestions", methods=["POST"])
def suggest():
    """What we should buy."""
    form = SuggestionForm()
    if not form.validate():
        return jsonify(errors=form.errors), 400
    return jsonify(title=form.title.data, year=form.year.data, urgent=form.urgent.data), 202


@bp.route("/stats")
def stats():
    """Numbers for the town council."""
    total = db.session.scalar(db.select(db.func.sum(Book.price * Book.copies)))
    first = db.session.scalar(db.select(db.func.min(Review.written)))
    return jsonify(books=Book.query.count(), value=total, first_review=first)


@bp.route("/echo/<path:words>")
def echo(words):
    """For those who connect the town's app: what did arrive?"""
    agent = request.headers.get("User-Agent", "unknown")
    return {"words": words, "agent": agent, "theme": request.cookies.get("theme", "light")}
