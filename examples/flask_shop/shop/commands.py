"""``flask shop ...``: fill the database, make a keeper, say what is sold."""

import click
from flask.cli import AppGroup

from shop.models import Customer, Line, Tea, db

TEAS = [
    ("Assam", "India", 590, 40),
    ("Bancha", "Japan", 720, 25),
    ("Darjeeling First Flush", "India", 1250, 12),
    ("Keemun", "China", 830, 0),
    ("Lapsang Souchong", "China", 760, 18),
    ("Rooibos", "South Africa", 450, 60),
]
shop = AppGroup("shop", help="Look after the shop's database.")


@shop.command()
@click.option("--empty", is_flag=True, help="Throw away what is there.")
def fill(empty):
    """Make the tables, and put the first teas in."""
    if empty:
        db.drop_all()
    db.create_all()
    if db.session.scalar(db.select(Tea)) is None:
        for name, origin, price, packets in TEAS:
            db.session.add(Tea(name=name, origin=origin, price=price, stock=packets))
        db.session.commit()
    click.echo(f"{len(db.session.scalars(db.select(Tea)).all())} teas")


@shop.command()
@click.argument("name")
@click.password_option()
def keeper(name, password):
    """Make NAME a keeper of the shop."""
    customer = db.session.scalar(db.select(Customer).where(Customer.name == name))
    customer = customer or Customer(name=name)
    customer.keeper = True
    customer.set_password(password)
    db.session.add(customer)
    db.session.commit()
    click.echo(f"{name} keeps the shop")


@shop.command()
def sold():
    """Print what was sold."""
    count = db.func.sum(Line.count)
    query = db.select(Tea.name, count).join(Line.tea).group_by(Tea.name).order_by(Tea.name)
    for name, packets in db.session.execute(query):
        click.echo(f"{packets:5} {name}")


def add_commands(app):
    app.cli.add_command(shop)
