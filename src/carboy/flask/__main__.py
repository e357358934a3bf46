"""``python -m flask`` where Carboy stands in for Flask, ``python -m carboy.flask`` anywhere."""

from carboy.flask.cli import main

if __name__ == "__main__":
    main()
