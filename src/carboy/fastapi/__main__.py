"""`python -m carboy.fastapi`: the `fastapi` command."""

from carboy.fastapi.cli import main

main()
