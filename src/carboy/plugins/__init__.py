"""Plugins that come with Carboy, each in a module of its own, loaded by who imports it.

A plugin knows the core and what servers tell of themselves (server/numbers.py); no dialect, so that
it stands around the routes of every face. What a plugin needs beyond Carboy is imported there only.
"""
