from journal import create_app


def test_configuration():
    assert not create_app().testing
    assert create_app({"TESTING": True}).testing


def test_hello(client):
    assert client.get("/hello").data == b"Hello from the journal!"


def test_the_front_page_has_two_names(app):
    with app.test_request_context():
        assert app.url_for("index") == app.url_for("blog.index") == "/"


def test_style(client):
    response = client.get("/static/style.css")
    assert response.mimetype == "text/css"
    response.close()
