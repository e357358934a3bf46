"""What servers are told: ``carboy run main:app``."""

from garden import create_app

app = create_app()
