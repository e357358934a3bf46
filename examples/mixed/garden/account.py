"""Customers: joining, logging in and out, and their orders. Flask as it was, with Flask-Login."""

import re

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_required, login_user, logout_user

from garden.models import Customer, Order, db

blueprint = Blueprint("account", __name__)


def find(name):
    return db.session.scalar(db.select(Customer).where(Customer.name == name))


@blueprint.route("/join", methods=["GET", "POST"])
def join():
    if request.method == "POST":
        name, password = request.form["name"].strip(), request.form["password"]
        if not 2 <= len(name) <= 30:
            flash("A name has two to thirty letters.", "error")
        elif len(password) < 8:
            flash("A password has eight letters or more.", "error")
        elif find(name) is not None:
            flash("Somebody has this name already.", "error")
        else:
            customer = Customer(name=name)
            customer.set_password(password)
            db.session.add(customer)
            db.session.commit()
            login_user(customer)
            flash(f"Welcome, {name}!")
            return redirect(target())
    return render_template("account/form.html", title="Join")


@blueprint.route("/login", methods=["GET", "POST"])
def log_in():
    if request.method == "POST":
        customer = find(request.form["name"])
        if customer is not None and customer.has_password(request.form["password"]):
            login_user(customer)
            flash(f"Good to see you, {customer.name}.")
            return redirect(target())
        flash("Name and password do not fit.", "error")
    return render_template("account/form.html", title="Log in")


def target():
    """Where to go on, which is a page of this shop."""
    wanted = request.args.get("next", "")
    # Printable, since browsers leave tabs out: "/<tab>/evil.example" is another host.
    inside = re.fullmatch(r"/(?![/\\])[!-~]*", wanted)
    return wanted if inside else url_for("pages.index")


@blueprint.route("/logout", methods=["POST"])
@login_required
def log_out():
    logout_user()
    session.pop("basket", None)
    flash("See you soon.")
    return redirect(url_for("pages.index"))


@blueprint.route("/orders")
@login_required
def orders():
    query = db.select(Order).where(Order.customer == current_user).order_by(Order.id.desc())
    return render_template("account/orders.html", orders=db.session.scalars(query).all())
