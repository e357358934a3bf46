"""`carboy migrate`: from a Flask code base to typed routes, with proof.

`convert/` rewrites sources, `proof/` compares answers, `report.py` is what they tell each other.
Nothing here runs while an application serves; nothing but `convert/` needs LibCST.
"""
