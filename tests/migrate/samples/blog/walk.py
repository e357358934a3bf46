"""What is asked of the journal to see every view, filled by `tests/conftest.py`: plain data.

How it is read: `tests/migrate/samples/walking.py`.
"""

ADA = {"name": "ada", "password": "ada's word"}


def _post(path, session=0, **form):
    return {"session": session, "method": "POST", "path": path, "form": form}


def _get(path, session=0, **more):
    return {"session": session, "method": "GET", "path": path, **more}


#: 0 is ada, 1 a stranger who becomes a member, 2 a stranger.
REQUESTS = [
    _get("/", 2),
    _get("/hello", 2),
    {"session": 2, "method": "HEAD", "path": "/hello"},
    {"session": 2, "method": "OPTIONS", "path": "/auth/login"},
    _get("/static/style.css", 2),
    _get("/absent", 2),
    _get("/auth", 2),
    _get("/hello/", 2),
    _get("/auth/register", 1),
    _post("/auth/register", 1, name="", password=""),
    _post("/auth/register", 1, name="eve", password=""),
    _post("/auth/register", 1, name="ada", password="x"),
    _post("/auth/register", 1, name="eve"),
    _post("/auth/register", 1, name="eve", password="eve's word"),
    _get("/auth/login", 1),
    _post("/auth/login", 1, name="nobody", password="x"),
    _post("/auth/login", 1, name="eve", password="x"),
    _post("/auth/login", 1, password="x"),
    _get("/auth/login", 1),
    _post("/auth/login", 1, name="eve", password="eve's word"),
    _get("/", 1),
    _post("/auth/login", **ADA),
    _get("/"),
    _get("/create", 2),
    _post("/create", 2, title="x", body="y"),
    _get("/1/update", 2),
    _post("/1/delete", 2),
    _get("/1/delete"),
    _get("/create"),
    _post("/create", title="", body="kept <text>"),
    _post("/create", title="ä & b", body="<script>"),
    _post("/create", body="no title at all"),
    _get("/"),
    _get("/1/update"),
    _get("/2/update"),
    _get("/99/update"),
    _get("/x/update"),
    _get("/-1/update"),
    _post("/1/update", title="", body="kept"),
    _post("/1/update", title="Second light", body="What it saw then"),
    _post("/1/update"),
    _get("/", 1),
    _post("/2/delete"),
    _post("/99/delete"),
    _post("/x/delete"),
    _post("/1/delete"),
    _get("/"),
    _get("/auth/logout"),
    _get("/create"),
    _get("/auth/logout", 2),
]
