"""Flask's `flask.sansio`: the modules that extensions import classes from, to ask for their kind.

Flask keeps there what does no I/O; our classes are not divided so, and are named here only.
"""
