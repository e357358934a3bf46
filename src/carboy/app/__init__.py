"""App: Flask's habits and typed routes in one application.

`application` is what a person makes. Its Flask side is a whole Flask object on the same engine,
made when somebody first asks for it (`side`): until then nothing here loads the Flask face.
`declared` tells the engine of both kinds of routes, `order` puts them into one URL map, `around`
writes what Flask has around a typed route (contexts, hooks, session), `errors` is the one error
path, `typed_views` gives Flask views typed parameters. `hosting/` is for applications of others.
"""

from __future__ import annotations

from carboy.app.application import App as App
