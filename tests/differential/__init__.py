"""The same application built with FastAPI and with Carboy: the same requests, the same answers."""
