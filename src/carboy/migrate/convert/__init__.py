"""The converter: Flask sources in, typed routes out, by LibCST.

`plan()` reads a project and says what would become of it; it writes nothing. project.py knows the
files and what their names mean, found.py the views, draft.py one view while it is rewritten; the
modules named after what they rewrite (reading, answers, contexts, ...) are steps that a draft goes
through. A step that meets something it can't keep equal says so by `draft.keep(reason)`: then
nothing of that view changes.
"""

from carboy.migrate.convert.planning import plan as plan
