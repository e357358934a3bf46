"""``python -m carboy``."""

from carboy.cli import main

main()
