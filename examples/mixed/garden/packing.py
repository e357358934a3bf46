"""The keeper's page, where orders are packed and sent. Typed, with Flask's templates."""

from typing import Annotated

from flask import abort, flash, render_template, url_for

from carboy import APIRouter, Form
from carboy.fastapi.responses import HTMLResponse, RedirectResponse
from garden.customers import Keeper
from garden.models import Order, db

router = APIRouter(prefix="/packing", tags=["pages"], default_response_class=HTMLResponse)


@router.get("", name="packing.orders")
def orders(keeper: Keeper) -> str:
    """What is to be done, oldest first."""
    query = db.select(Order).where(Order.status != "sent").order_by(Order.id)
    return render_template("packing.html", orders=db.session.scalars(query).all())


@router.post("/{number}", name="packing.move")
def move(number: int, status: Annotated[str, Form()], keeper: Keeper) -> RedirectResponse:
    """Take an order one step on."""
    order = db.session.get(Order, number) or abort(404)
    if status != order.next_step:
        abort(409, f"Order {number} is {order.status}.")
    order.status = status
    db.session.commit()
    flash(f"Order {number} is {status}.")
    return RedirectResponse(url_for("packing.orders"), 303)
