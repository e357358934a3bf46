"""Loans, for the reader who is logged in."""

from functools import wraps

from flask_login import current_user
from flask_restx import Namespace, Resource, fields

from lending.models import Loan

ns = Namespace("loans", description="What is where.")

loan_model = ns.model(
    "Loan",
    {
        "id": fields.Integer,
        "title": fields.String(attribute="book.title"),
        "due": fields.Date,
        "returned": fields.Boolean,
    },
)


def card_needed(method):
    """401 for strangers; an API redirects nobody."""

    @wraps(method)
    def wrapped(*args, **kwargs):
        if not current_user.is_authenticated:
            ns.abort(401, "Show your card.")
        return method(*args, **kwargs)

    return wrapped


@ns.route("/")
class LoanList(Resource):
    method_decorators = [card_needed]

    @ns.marshal_list_with(loan_model, envelope="loans")
    def get(self):
        """What I have at home"""
        return Loan.query.filter_by(member_id=current_user.id).order_by(Loan.id).all()


@ns.route("/<int:loan_id>")
class LoanItem(Resource):
    @card_needed
    @ns.marshal_with(loan_model)
    def get(self, loan_id):
        """One of my loans"""
        return Loan.query.filter_by(id=loan_id, member_id=current_user.id).first_or_404()
