"""Customers: joining, logging in and out, and their orders."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length, ValidationError

from shop.models import Customer, Order, db

account = Blueprint("account", __name__)


def _customer(name):
    return db.session.scalar(db.select(Customer).where(Customer.name == name))


class LogIn(FlaskForm):
    name = StringField("Name", validators=[DataRequired()])
    password = PasswordField("Password", validators=[DataRequired()])
    remember = BooleanField("Stay logged in")


class Join(FlaskForm):
    name = StringField("Name", validators=[DataRequired(), Length(2, 30)])
    password = PasswordField("Password", validators=[DataRequired(), Length(8, 100)])
    again = PasswordField("Again", validators=[EqualTo("password", "The two differ.")])

    def validate_name(self, field):
        if _customer(field.data) is not None:
            raise ValidationError("Somebody has this name already.")


@account.route("/join", methods=["GET", "POST"])
def join():
    form = Join()
    if form.validate_on_submit():
        customer = Customer(name=form.name.data)
        customer.set_password(form.password.data)
        db.session.add(customer)
        db.session.commit()
        login_user(customer)
        flash(f"Welcome, {customer.name}!")
        return redirect(url_for("catalogue.index"))
    page = render_template("account/form.html", form=form, title="Join")
    return page, 422 if form.errors else 200


@account.route("/login", methods=["GET", "POST"])
def log_in():
    form = LogIn()
    if form.validate_on_submit():
        customer = _customer(form.name.data)
        if customer is not None and customer.has_password(form.password.data):
            login_user(customer, remember=form.remember.data)
            flash(f"Good to see you, {customer.name}.")
            target = request.args.get("next", "")
            # Only to a page of this shop.
            inside = target.startswith("/") and not target.startswith("//")
            return redirect(target if inside else url_for("catalogue.index"))
        flash("Name and password do not fit.", "error")
    return render_template("account/form.html", form=form, title="Log in")


@account.post("/logout")
def log_out():
    logout_user()
    session.pop("basket", None)
    flash("See you soon.")
    return redirect(url_for("catalogue.index"))


@account.get("/orders")
@login_required
def orders():
    query = db.select(Order).where(Order.customer == current_user).order_by(Order.id.desc())
    return render_template("account/orders.html", orders=db.session.scalars(query).all())
