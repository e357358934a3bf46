"""JSON for the pages' scripts and for programs: seeds, the basket, orders. Typed.

What asks the database is a `def` and runs in a thread, dependencies too; the rest is `async def`.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from flask import url_for
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from carboy import APIRouter, Depends, HTTPException, Query, Request
from carboy.fastapi.exception_handlers import http_exception_handler
from carboy.fastapi.sse import EventSourceResponse, ServerSentEvent
from garden import basket
from garden.customers import CurrentCustomer
from garden.models import Line, Order, Seed, db

# Errors here are JSON, though the application has error pages.
router = APIRouter(
    prefix="/api", tags=["api"], exception_handlers={HTTPException: http_exception_handler}
)
#: Seconds between two looks at an order.
PERIOD = 0.5


class SeedShown(BaseModel):
    """A kind of seed; the price in cents, the page for people."""

    model_config = {"from_attributes": True}
    id: int
    name: str
    latin: str
    price: int
    stock: int
    page: str


class LineShown(BaseModel):
    name: str
    count: int
    price: int


class BasketShown(BaseModel):
    lines: list[LineShown]
    total: int


class OrderShown(BaseModel):
    number: int
    status: Literal["received", "packed", "sent"]
    lines: list[LineShown]
    total: int


class Wanted(BaseModel):
    count: int = Field(ge=0, le=basket.MOST)


class Put(BaseModel):
    """How many packets there are of the seed that was put, and in the whole basket."""

    count: int
    size: int


def shown(seed: Seed) -> SeedShown:
    page = url_for("pages.seed", number=seed.id)  # a Flask view's
    return SeedShown.model_validate({**vars(seed), "page": page})


# --- Seeds ---


@router.get("/seeds", name="api.seeds")
def list_seeds(
    q: Annotated[str, Query(description="Part of a name")] = "",
    most: Annotated[int | None, Query(ge=0, description="The highest price, in cents")] = None,
) -> list[SeedShown]:
    """Seeds by name; every filter given must hold."""
    query = db.select(Seed).order_by(Seed.name)
    if q:
        query = query.where(Seed.name.icontains(q) | Seed.latin.icontains(q))
    if most is not None:
        query = query.where(Seed.price <= most)
    return [shown(seed) for seed in db.session.scalars(query)]


def find_seed(number: int) -> Seed:
    seed = db.session.get(Seed, number)
    if seed is None:
        raise HTTPException(404, f"There is no seed {number}.")
    return seed


FoundSeed = Annotated[Seed, Depends(find_seed)]


@router.get("/seeds/{number}", name="api.seed")
def read_seed(seed: FoundSeed) -> SeedShown:
    """One seed."""
    return shown(seed)


# --- The basket ---


def basket_lines(request: Request) -> list[tuple[Seed, int]]:
    return basket.lines(request.session)


@router.get("/basket", name="api.basket")
async def read_basket(
    lines: Annotated[list[tuple[Seed, int]], Depends(basket_lines)],
) -> BasketShown:
    """What is in this session's basket."""
    shown = [LineShown(name=seed.name, count=n, price=seed.price) for seed, n in lines]
    return BasketShown(lines=shown, total=sum(one.count * one.price for one in shown))


@router.put("/basket/{number}", name="api.put")
async def put_into_basket(seed: FoundSeed, wanted: Wanted, request: Request) -> Put:
    """Have so many packets of a seed in the basket."""
    if wanted.count > seed.stock:
        raise HTTPException(409, f"Only {seed.stock} packets of {seed.name} left.")
    basket.put(request.session, seed.id, wanted.count)
    return Put(count=wanted.count, size=basket.size(request.session))


# --- Orders ---


@router.post("/orders", name="api.check_out", status_code=201)
def check_out(customer: CurrentCustomer, request: Request) -> OrderShown:
    """Turn the basket into an order, if there is enough of everything."""
    lines = basket.lines(request.session)
    if not lines:
        raise HTTPException(409, "The basket is empty.")
    for seed, count in lines:
        # In one statement: somebody else may buy at the same time.
        enough = (Seed.id == seed.id) & (Seed.stock >= count)
        taken = db.update(Seed).where(enough).values(stock=Seed.stock - count)
        if not db.session.execute(taken).rowcount:
            db.session.rollback()
            raise HTTPException(409, f"Only {seed.stock} packets of {seed.name} left.")
    order = Order(customer=customer)
    for seed, count in lines:
        order.lines.append(Line(seed=seed, count=count, price=seed.price))
    db.session.add(order)
    db.session.commit()
    request.session.pop("basket")
    return order_shown(order)


def order_shown(order: Order) -> OrderShown:
    lines = [LineShown(name=one.seed.name, count=one.count, price=one.price) for one in order.lines]
    return OrderShown(number=order.id, status=order.status, lines=lines, total=order.total)


def own_order(number: int, customer: CurrentCustomer) -> Order:
    order = db.session.get(Order, number)
    if order is None or order.customer_id != customer.id:
        raise HTTPException(404, f"You have no order {number}.")
    return order


OwnOrder = Annotated[Order, Depends(own_order)]


@router.get("/orders/{number}", name="api.order")
def read_order(order: OwnOrder) -> OrderShown:
    """One order of the customer's."""
    return order_shown(order)


@router.get("/orders/{number}/status", name="api.status", response_class=EventSourceResponse)
async def follow_order(order: OwnOrder) -> AsyncIterator[ServerSentEvent]:
    """The order's status now, and whenever it changes, until it is sent."""
    number, last = order.id, None
    # The request lasts as long as the stream: its connection goes back to the pool before.
    await run_in_threadpool(db.session.remove)
    while last != "sent":
        status = await run_in_threadpool(status_of, number)
        if status != last:
            yield ServerSentEvent(event="status", data=status)
            last = status
        await asyncio.sleep(PERIOD)


def status_of(number: int) -> str:
    # Not db.session: that is the request's, and would show what it has read before.
    with Session(db.engine) as session:
        return session.scalars(db.select(Order.status).where(Order.id == number)).one()
