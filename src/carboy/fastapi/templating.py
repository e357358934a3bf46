"""Templates: Starlette's own class, under FastAPI's path. Importing this module loads Jinja2."""

from starlette.templating import Jinja2Templates

__all__ = ["Jinja2Templates"]
