"""The tables, and the extensions that they and the views need."""

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


class Tea(db.Model):
    """What is sold."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    origin: Mapped[str]
    price: Mapped[int]
    stock: Mapped[int] = mapped_column(default=0)


class Customer(UserMixin, db.Model):
    """Who buys; a keeper looks after the stock."""

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

    @property
    def total(self):
        return sum(line.price * line.count for line in self.lines)


class Line(db.Model):
    """One tea of an order."""

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey(Order.id))
    order: Mapped[Order] = relationship(back_populates="lines")
    tea_id: Mapped[int] = mapped_column(ForeignKey(Tea.id))
    tea: Mapped[Tea] = relationship()
    count: Mapped[int]
    price: Mapped[int]


@login.user_loader
def load_customer(number):
    return db.session.get(Customer, int(number))
