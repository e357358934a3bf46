"""What is asked of httpbin to see every view: plain data, read as the samples' lists are
(`tests/migrate/samples/walking.py`).

Nothing here waits, and what the views make by chance (`/uuid`, nonces, bytes without a seed) is
asked for as well: `carboy migrate verify` knows such values from two answers of the old side.
"""

from __future__ import annotations

from typing import Any

_ALL = ("GET", "POST", "PUT", "DELETE", "PATCH")


def _ask(method: str, path: str, session: int = 0, **more: Any) -> dict[str, Any]:
    return {"session": session, "method": method, "path": path, **more}


def _get(path: str, session: int = 0, **headers: str) -> dict[str, Any]:
    return _ask("GET", path, session, headers={k.replace("_", "-"): v for k, v in headers.items()})


PAGES = [
    _get("/"),
    _get("/html"),
    _get("/robots.txt"),
    _get("/deny"),
    _get("/forms/post"),
    _get("/encoding/utf8"),
    _get("/xml"),
    _get("/json"),
    _get("/absent"),
    _get("/html/"),
    _ask("HEAD", "/html"),
    _ask("OPTIONS", "/get"),
    _ask("POST", "/html"),
    _get("/static/favicon.ico"),
]

INSPECTION = [
    _get("/ip"),
    _get("/ip", X_Forwarded_For="10.1.2.3"),
    _get("/uuid"),
    _get("/headers", X_Own="a, b"),
    _get("/headers?show_env=1", X_Request_Id="7"),
    _get("/user-agent", User_Agent="walker/1"),
    _get("/get"),
    _get("/get?a=1&a=2&b=%C3%A4&c="),
    _get("/get", X_Forwarded_Proto="https", Origin="http://else.example"),
    _ask("HEAD", "/get"),
    *(_ask(method, "/anything", form={"a": "1"}) for method in _ALL),
    *(_ask(method, "/anything/a/b?x=1", json={"a": [1, None]}) for method in _ALL),
    _ask("POST", "/anything", data="plain text"),
    *(
        _ask(method, f"/{method.lower()}", form={"a": "1", "b": "ä"})
        for method in ("POST", "PUT", "PATCH", "DELETE")
    ),
    *(
        _ask(method, f"/{method.lower()}?q=1", json={"a": {"b": 1.5}})
        for method in ("POST", "PUT", "PATCH", "DELETE")
    ),
    _ask("POST", "/post", data="{", headers={"Content-Type": "application/json"}),
    _ask("POST", "/post", data=""),
    _ask("GET", "/post"),
    _get("/gzip", Accept_Encoding="gzip"),
    _get("/deflate", Accept_Encoding="deflate"),
    _get("/brotli", Accept_Encoding="br"),
]

REDIRECTS = [
    _get("/redirect/1"),
    _get("/redirect/3"),
    _get("/redirect/3?absolute=true"),
    _get("/redirect/x"),
    _get("/relative-redirect/1"),
    _get("/relative-redirect/3"),
    _get("/absolute-redirect/1"),
    _get("/absolute-redirect/3"),
    _get("/redirect-to?url=/get"),
    _get("/redirect-to?url=http://else.example/&status_code=307"),
    _get("/redirect-to?url=/get&status_code=200"),
    _get("/redirect-to"),
    _ask("POST", "/redirect-to", form={"url": "/post", "status_code": "308"}),
]

STATUS = [
    *(_ask(method, "/status/204") for method in _ALL),
    *(_get(f"/status/{code}") for code in (200, 301, 304, 400, 401, 402, 404, 406, 407, 418, 500)),
    _get("/status/x"),
    _get("/status/200:1,404:0"),
    _get("/response-headers?X-One=1&X-One=2&Server=mine"),
    _ask("POST", "/response-headers?X-One=1"),
    _get("/delay/0"),
    _ask("POST", "/delay/0", form={"a": "1"}),
    _get("/delay/x"),
]

COOKIES = [
    _get("/cookies", 1),
    _get("/cookies/set/theme/dark", 1),
    _get("/cookies/set?size=12&lang=en", 1),
    _get("/cookies", 1),
    _get("/cookies?show_env=1", 1, Cookie="__utmz=1; theme=light"),
    _get("/cookies", 2, Cookie="__utmz=1; theme=light"),
    _get("/cookies/delete?size=", 1),
    _get("/cookies", 1),
]

AUTH = [
    _get("/basic-auth/ada/secret"),
    _get("/basic-auth/ada/secret", Authorization="Basic YWRhOnNlY3JldA=="),
    _get("/basic-auth/ada/secret", Authorization="Basic YWRhOm90aGVy"),
    _get("/hidden-basic-auth/ada/secret"),
    _get("/hidden-basic-auth/ada/secret", Authorization="Basic YWRhOnNlY3JldA=="),
    _get("/bearer"),
    _get("/bearer", Authorization="Bearer token-of-ada"),
    _get("/bearer", Authorization="Basic YWRhOnNlY3JldA=="),
    _get("/digest-auth/auth/ada/secret"),
    _get("/digest-auth/none/ada/secret/SHA-256"),
    _get("/digest-auth/auth/ada/secret/MD5/never"),
    _get("/digest-auth/auth/ada/secret/MD5/2", Authorization="Digest nonsense"),
]

DYNAMIC = [
    _get("/stream/2?a=1"),
    _get("/stream/0"),
    _get("/drip?numbytes=5&duration=0&delay=0"),
    _get("/drip?numbytes=5&duration=0&delay=0&code=201"),
    _get("/drip?numbytes=0&duration=0"),
    _get("/drip?numbytes=x&duration=0"),
    _get("/base64/aGVsbG8="),
    _get("/base64/%C3%A4"),
    _get("/cache"),
    _get("/cache", If_None_Match='"x"'),
    _get("/cache", If_Modified_Since="Sat, 29 Oct 1994 19:43:31 GMT"),
    _get("/cache/60"),
    _get("/etag/abc"),
    _get("/etag/abc", If_None_Match='"abc", "x"'),
    _get("/etag/abc", If_Match='"x"'),
    _get("/etag/abc", If_Match="*"),
    _get("/bytes/16?seed=7"),
    _get("/bytes/0?seed=7"),
    _get("/bytes/16?seed=x"),
    _get("/stream-bytes/16?seed=7&chunk_size=5"),
    _get("/stream-bytes/16?seed=7"),
    _get("/range/26"),
    _get("/range/26", Range="bytes=3-9"),
    _get("/range/26", Range="bytes=-5"),
    _get("/range/26", Range="bytes=30-40"),
    _get("/range/0"),
    _get("/links/3/1"),
    _get("/links/3"),
    _get("/links/x"),
]

IMAGES = [
    _get("/image"),
    *(_get("/image", Accept=f"image/{kind}") for kind in ("webp", "svg+xml", "jpeg", "png", "*")),
    _get("/image", Accept="text/html"),
    *(_get(f"/image/{kind}") for kind in ("png", "jpeg", "webp", "svg", "gif")),
]

REQUESTS = [*PAGES, *INSPECTION, *REDIRECTS, *STATUS, *COOKIES, *AUTH, *DYNAMIC, *IMAGES]
