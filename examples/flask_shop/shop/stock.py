"""For the keeper of the shop: prices and stock, as pages and from a file."""

import csv
import io

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.views import MethodView
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from shop.models import Tea, db, login

stock = Blueprint("stock", __name__)


class Change(FlaskForm):
    price = IntegerField("Price in cents", validators=[InputRequired(), NumberRange(1, 100_000)])
    stock = IntegerField("Packets", validators=[InputRequired(), NumberRange(0, 10_000)])


class Delivery(FlaskForm):
    file = FileField("CSV file: name,packets", validators=[FileRequired()])


@stock.before_request
def only_keepers():
    if not current_user.is_authenticated:
        return login.unauthorized()
    if not current_user.keeper:
        abort(403)
    return None


@stock.route("/", methods=["GET", "POST"])
def overview():
    """Everything there is; a file adds what was delivered."""
    form = Delivery()
    if form.validate_on_submit():
        text = io.StringIO(form.file.data.read().decode())
        for name, packets in csv.reader(text):
            found = db.one_or_404(db.select(Tea).where(Tea.name == name))
            found.stock += int(packets)
        db.session.commit()
        flash(f"Taken over from {form.file.data.filename}.")
        return redirect(url_for(".overview"))
    teas = db.session.scalars(db.select(Tea).order_by(Tea.name)).all()
    return render_template("stock.html", teas=teas, form=form)


class TeaView(MethodView):
    """One tea, to be changed."""

    def get(self, number):
        found = db.get_or_404(Tea, number)
        return render_template("change.html", tea=found, form=Change(obj=found))

    def post(self, number):
        found = db.get_or_404(Tea, number)
        form = Change(request.form)
        if not form.validate():
            return render_template("change.html", tea=found, form=form), 422
        form.populate_obj(found)
        db.session.commit()
        flash(f"{found.name} is changed.")
        return redirect(url_for(".overview"))


stock.add_url_rule("/<int:number>", view_func=TeaView.as_view("change"))
