"""Applications of other frameworks in an `App`: unchanged, under a prefix or for what is left over.

`Hosting` is what `App` has of it. Which protocol an application speaks is told in kinds.py, where
it stands in places.py, how it is called in wsgi.py (cycle, body, crossing), asgi.py and direct.py,
how it lives in lifespan.py.
"""

from carboy.app.hosting.declaring import Hosting as Hosting
