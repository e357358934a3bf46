"""How requests arrive: the direct HTTP/1.1 protocol, the ASGI and WSGI rims, the thread pool."""
