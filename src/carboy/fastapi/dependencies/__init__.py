"""Dependencies: what a callable asks of a request, and how it gets it.

Declaring is analysis.py and declared.py, binding is values.py and forms.py, calling is solve.py.
"""
