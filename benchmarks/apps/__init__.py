"""The applications under measurement, one module for each framework.

Every module answers ``GET /hello?name=World`` with ``{"message": "Hello, World!"}``
and reads the name from the query string. The code is what the framework's own
documentation would show a beginner: no tricks, no private API, no caching.
"""
