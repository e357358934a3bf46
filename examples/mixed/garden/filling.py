"""What there is on the first day: nine kinds of seeds, a customer and a keeper."""

from garden.models import Customer, Seed, db

SEEDS = [
    ("Basil", "Ocimum basilicum", "#4f8a3c", "April, inside", 290, 40),
    ("Borage", "Borago officinalis", "#5b74c9", "May, outside", 320, 25),
    ("Calendula", "Calendula officinalis", "#e8912d", "April, outside", 260, 60),
    ("Cornflower", "Centaurea cyanus", "#3f63c4", "March, outside", 240, 35),
    ("Nasturtium", "Tropaeolum majus", "#d9532c", "May, outside", 310, 30),
    ("Poppy", "Papaver rhoeas", "#c8352f", "March, outside", 230, 0),
    ("Radish", "Raphanus sativus", "#b8375f", "March, outside", 210, 80),
    ("Sunflower", "Helianthus annuus", "#dfb01f", "April, outside", 350, 45),
    ("Tomato", "Solanum lycopersicum", "#cf4030", "February, inside", 420, 3),
]
CUSTOMERS = [("ada", "long enough", False), ("keeper", "green thumb", True)]


def fill() -> None:
    """Make the tables, and where they are empty put the first rows in."""
    db.create_all()
    if db.session.scalar(db.select(Seed)) is None:
        for name, latin, colour, sow, price, stock in SEEDS:
            db.session.add(
                Seed(name=name, latin=latin, colour=colour, sow=sow, price=price, stock=stock)
            )
        for name, password, keeper in CUSTOMERS:
            customer = Customer(name=name, keeper=keeper)
            customer.set_password(password)
            db.session.add(customer)
        db.session.commit()
