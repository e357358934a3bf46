"""The shop window and the basket, which lives in the session until it is paid for."""

from flask import (
    Blueprint,
    abort,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    stream_with_context,
    url_for,
)
from flask_login import current_user, login_required

from shop.models import Line, Order, Tea, db

catalogue = Blueprint("catalogue", __name__)


def basket_size():
    return sum(session.get("basket", {}).values())


@catalogue.get("/")
def index():
    """Every tea, or those whose name or origin has the text that was searched for."""
    wanted = request.args.get("q", "").strip()
    query = db.select(Tea).order_by(Tea.name)
    if wanted:
        query = query.where(Tea.name.icontains(wanted) | Tea.origin.icontains(wanted))
    return render_template("index.html", teas=db.session.scalars(query).all(), wanted=wanted)


@catalogue.get("/tea/<int:number>")
def tea(number):
    return render_template("tea.html", tea=db.get_or_404(Tea, number))


@catalogue.post("/tea/<int:number>/basket")
def add(number):
    found = db.get_or_404(Tea, number)
    count = request.form.get("count", 1, type=int)
    if not 1 <= count <= 20:
        abort(400, "Between one and twenty packets at a time.")
    basket = session.setdefault("basket", {})
    basket[str(found.id)] = basket.get(str(found.id), 0) + count
    session.modified = True
    flash(f"{count} × {found.name} in your basket.")
    return redirect(url_for(".basket"), 303)


@catalogue.get("/basket")
def basket():
    lines = _lines()
    total = sum(found.price * count for found, count in lines)
    return render_template("basket.html", lines=lines, total=total)


def _lines():
    chosen = session.get("basket", {})
    query = db.select(Tea).where(Tea.id.in_([int(number) for number in chosen]))
    return [(one, chosen[str(one.id)]) for one in db.session.scalars(query.order_by(Tea.name))]


@catalogue.post("/buy")
@login_required
def buy():
    """Turn the basket into an order, as far as there is tea."""
    lines = _lines()
    if not lines:
        flash("Your basket is empty.", "error")
        return redirect(url_for(".basket"))
    for found, count in lines:
        if found.stock < count:
            flash(f"Only {found.stock} × {found.name} left.", "error")
            return redirect(url_for(".basket"))
    order = Order(customer=current_user)
    for found, count in lines:
        found.stock -= count
        order.lines.append(Line(tea=found, count=count, price=found.price))
    db.session.add(order)
    db.session.commit()
    session.pop("basket")
    flash(f"Thank you! Your order has the number {order.id}.")
    return redirect(url_for("account.orders"))


@catalogue.get("/teas.json")
def as_json():
    """The catalogue for programs."""
    teas = db.session.scalars(db.select(Tea).order_by(Tea.id))
    return jsonify([{"id": one.id, "name": one.name, "price": one.price} for one in teas])


@catalogue.get("/teas.csv")
def as_csv():
    """The catalogue as a file, row by row."""

    def rows():
        yield "name,origin,price\n"
        for one in db.session.scalars(db.select(Tea).order_by(Tea.id)):
            yield f"{one.name},{one.origin},{one.price}\n"

    headers = {"Content-Disposition": "attachment; filename=teas.csv"}
    return stream_with_context(rows()), {"Content-Type": "text/csv", **headers}
