"""What the night shift calls."""

from datetime import date

import click
from flask.cli import AppGroup

from lending.extensions import db
from lending.models import Loan, Member

library = AppGroup("library", help="The library's chores.")


@library.command("create")
def create():
    """Make the tables."""
    db.create_all()
    click.echo("Tables are there.")


@library.command("librarian")
@click.argument("name")
@click.option("--password", prompt=True, hide_input=True)
def librarian(name, password):
    """Make NAME a librarian."""
    member = Member(name=name, email=f"{name}@library.example", is_librarian=True)
    member.set_password(password)
    db.session.add(member)
    db.session.commit()
    click.echo(f"{name} has number {member.id}.")


@library.command("remind")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Pretend it is that day.")
def remind(on):
    """Say who is late."""
    day = on.date() if on else date.today()
    for loan in Loan.query.filter(Loan.due < day, Loan.returned.is_(False)):
        click.echo(f"{loan.member.email}: {loan.book.title}")


def init_app(app):
    app.cli.add_command(library)
