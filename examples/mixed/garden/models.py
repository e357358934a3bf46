"""The tables, and the extensions that they and the views need. Flask as it was."""

from itertools import pairwise

from flask_login import LoginManager, UserMixin
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from werkzeug.security import check_password_hash, generate_password_hash


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
csrf = CSRFProtect()
login = LoginManager()
login.login_view = "account.log_in"
login.login_message = "Please log in first."

#: What an order goes through, one after the other.
STEPS = ("received", "packed", "sent")


class Seed(db.Model):
    """What is sold, by the packet."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    latin: Mapped[str]
    colour: Mapped[str]
    sow: Mapped[str]
    price: Mapped[int]
    stock: Mapped[int]


class Customer(UserMixin, db.Model):
    """Who buys; a keeper packs what was bought."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    keeper: Mapped[bool] = mapped_column(default=False)
    orders: Mapped[list["Order"]] = relationship(back_populates="customer")

    def set_password(self, password):
        self.password_hash = generate_password_hash(password)

    def has_password(self, password):
        return check_password_hash(self.password_hash, password)


class Order(db.Model):
    """What was bought; prices are kept as they were."""

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id))
    customer: Mapped[Customer] = relationship(back_populates="orders")
    lines: Mapped[list["Line"]] = relationship(back_populates="order")
    status: Mapped[str] = mapped_column(default=STEPS[0])

    @property
    def total(self):
        return sum(line.price * line.count for line in self.lines)

    @property
    def next_step(self):
        """The status after this one; None at the end."""
        return dict(pairwise(STEPS)).get(self.status)


class Line(db.Model):
    """One kind of seed in an order."""

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey(Order.id))
    order: Mapped[Order] = relationship(back_populates="lines")
    seed_id: Mapped[int] = mapped_column(ForeignKey(Seed.id))
    seed: Mapped[Seed] = relationship()
    count: Mapped[int]
    price: Mapped[int]


@login.user_loader
def load_customer(number):
    return db.session.get(Customer, int(number))
