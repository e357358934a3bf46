"""`--target fastapi`: a project leaves Flask and Carboy, as a whole or not at all.

What is written imports FastAPI, Starlette, pydantic, the standard library, the project's own
modules and packages that need no Flask. So besides views everything is looked at that names
Flask, an extension of it, or an application: leaving.py plans, views.py and applications.py
rewrite, obstacles.py finds what can't be, provided.py makes the files that come along. One
obstacle, and nothing is written.
"""
