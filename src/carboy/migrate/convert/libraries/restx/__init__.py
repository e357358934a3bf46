"""Flask-RESTX: resources become class views of a router, beside their Namespace.

finding.py says what Apis, Namespaces and Resources a project has, drafting.py what becomes of one
method, parsers.py what a RequestParser's arguments are as parameters. Namespace and Api stay
registered: they know how errors are told, and have the models. Their document (`swagger.json`)
loses what is converted; the application's own (`/openapi.json`) has it.
"""

from carboy.migrate.convert.libraries.restx.drafting import Restx as Restx
