"""What the source of a Flask view says: what it asks of a request, and what it answers.

Python's `ast` only: nothing is executed, and nothing of carboy is imported, so that a file can be
read which can't be loaded. What the text does not say stays unsaid: a view without source is
`known=False` with the reason.

    `read_function(view)`        of a function that is loaded (found.py looks for its text)
    `read_module(path)`          of a whole file: its views, imports, hooks and calls
"""

from __future__ import annotations

from carboy.sources.declared import ModuleFacts as ModuleFacts
from carboy.sources.declared import Rule as Rule
from carboy.sources.declared import read_module as read_module
from carboy.sources.facts import Answer as Answer
from carboy.sources.facts import Guard as Guard
from carboy.sources.facts import Read as Read
from carboy.sources.facts import Use as Use
from carboy.sources.facts import View as View
from carboy.sources.found import read_function as read_function

__all__ = ["Answer", "Guard", "ModuleFacts", "Read", "Rule", "Use", "View"]
__all__ += ["read_function", "read_module"]
