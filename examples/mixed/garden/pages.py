"""The shop window and the basket's page. Flask as it was."""

from flask import Blueprint, render_template, request, session

from garden import basket
from garden.models import Seed, db

blueprint = Blueprint("pages", __name__)


@blueprint.route("/")
def index():
    """Every seed, or those whose name has the text that was searched for."""
    wanted = request.args.get("q", "").strip()
    query = db.select(Seed).order_by(Seed.name)
    if wanted:
        query = query.where(Seed.name.icontains(wanted) | Seed.latin.icontains(wanted))
    seeds = db.session.scalars(query).all()
    return render_template("index.html", seeds=seeds, wanted=wanted)


@blueprint.route("/seeds/<int:number>")
def seed(number):
    """One seed, with its count in the basket."""
    found = db.get_or_404(Seed, number)
    count = session.get("basket", {}).get(str(number), 0)
    return render_template("seed.html", seed=found, count=count)


@blueprint.route("/basket")
def show_basket():
    """What was chosen so far."""
    lines = basket.lines(session)
    total = sum(seed.price * count for seed, count in lines)
    return render_template("basket.html", lines=lines, total=total)
