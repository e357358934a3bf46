"""The tables."""

from datetime import date

from flask_login import UserMixin
from werkzeug.security import check_password_hash, generate_password_hash

from lending.extensions import db, login_manager


class Member(UserMixin, db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80), unique=True, nullable=False)
    email = db.Column(db.String(120), nullable=False)
    password_hash = db.Column(db.String(200), nullable=False)
    is_librarian = db.Column(db.Boolean, nullable=False, default=False)
    joined = db.Column(db.Date, nullable=False, default=date.today)
    loans = db.relationship("Loan", back_populates="member", order_by="Loan.id")

    def set_password(self, password):
        self.password_hash = generate_password_hash(password, method="pbkdf2:sha256:1000")

    def check_password(self, password):
        return check_password_hash(self.password_hash, password)


class Author(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80), nullable=False)
    country = db.Column(db.String(2))
    books = db.relationship("Book", back_populates="author", order_by="Book.title")


class Book(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(120), nullable=False)
    isbn = db.Column(db.String(17), unique=True)
    year = db.Column(db.Integer)
    copies = db.Column(db.Integer, nullable=False, default=1)
    price = db.Column(db.Numeric(8, 2), nullable=False, default=0)
    author_id = db.Column(db.ForeignKey("author.id"), nullable=False)
    author = db.relationship("Author", back_populates="books")
    loans = db.relationship("Loan", back_populates="book", cascade="all, delete-orphan")
    reviews = db.relationship("Review", back_populates="book", cascade="all, delete-orphan")

    @property
    def available(self):
        return self.copies - sum(not loan.returned for loan in self.loans)


class Loan(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    due = db.Column(db.Date, nullable=False)
    returned = db.Column(db.Boolean, nullable=False, default=False)
    member_id = db.Column(db.ForeignKey("member.id"), nullable=False)
    book_id = db.Column(db.ForeignKey("book.id"), nullable=False)
    member = db.relationship("Member", back_populates="loans")
    book = db.relationship("Book", back_populates="loans")


class Review(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    stars = db.Column(db.Integer, nullable=False)
    text = db.Column(db.Text, nullable=False, default="")
    written = db.Column(db.Date, nullable=False, default=date.today)
    book_id = db.Column(db.ForeignKey("book.id"), nullable=False)
    member_id = db.Column(db.ForeignKey("member.id"), nullable=False)
    book = db.relationship("Book", back_populates="reviews")
    member = db.relationship("Member")


@login_manager.user_loader
def load_member(member_id):
    return db.session.get(Member, int(member_id))
