"""Forms and files arrive whole on every transport, and limits hold whoever reads."""

from __future__ import annotations

import sys
import time

import pytest

from .clients import Client, SocketClient
from .routes_forms import SMALL
from .wire import PATIENCE, Answer

CHUNKS = pytest.mark.parametrize("chunk", [0, 7000], ids=["sized", "chunked"])
KIND = [("content-type", "multipart/form-data; boundary=cut")]


def upload(client: Client, path: str, size: int, chunk: int, *more: bytes) -> Answer:
    parts = [b'text"\r\n\r\nhello', b'file"; filename="f.bin"\r\n\r\n' + b"y" * size, *more]
    head = b'--cut\r\ncontent-disposition: form-data; name="'
    body = b"\r\n".join([*(head + part for part in parts), b"--cut--\r\n"])
    return client.send("POST", path, KIND, body, chunk)


@CHUNKS
@pytest.mark.parametrize("path", ["/forms/def", "/forms/small/upload"])
@pytest.mark.parametrize("size", [0, 90_000])
def test_a_form_with_a_file(client: Client, path: str, size: int, chunk: int) -> None:
    answer = upload(client, path, size, chunk)
    assert (answer.status, answer.json()) == (200, {"text": "hello", "name": "f.bin", "size": size})


@CHUNKS
def test_a_file_that_does_not_fit_into_memory_kept_for_it(client: Client, chunk: int) -> None:
    assert upload(client, "/forms/def", 1_200_000, chunk and 70_000).json()["size"] == 1_200_000


@CHUNKS
def test_a_form_over_the_limit_is_413(client: Client, chunk: int) -> None:
    assert upload(client, "/forms/small/upload", SMALL, chunk).status == 413
    assert client.get("/unslashed").status == 200


def test_a_form_with_too_many_fields_is_400(client: Client) -> None:
    answer = upload(client, "/forms/small/upload", 10, 0, b'other"\r\n\r\nfield')
    assert (answer.status, b"Too many fields" in answer.body) == (400, True)
    assert upload(client, "/forms/def", 10, 0, b'other"\r\n\r\nfield').status == 200


@CHUNKS
@pytest.mark.parametrize("path", ["/forms/small/read", "/forms/small/mounted/"])
def test_a_router_limits_who_reads_on_its_own(client: Client, path: str, chunk: int) -> None:
    answer = client.send("POST", path, (), b"x" * SMALL, chunk)
    assert (answer.status, answer.body) == (200, str(SMALL).encode())
    assert client.send("POST", path, (), b"x" * (SMALL + 1), chunk).status == 413
    assert client.get("/unslashed").status == 200


@CHUNKS
def test_a_route_may_take_more_than_its_router(client: Client, chunk: int) -> None:
    body = b"x" * (2 * SMALL)
    assert client.send("POST", "/forms/small/large", (), body, chunk).json() == 2 * SMALL
    assert client.send("POST", "/forms/small/large", (), body + b"x", chunk).status == 413


@CHUNKS
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which files are open")
@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\n--other--\r\n", b"\r\n--cut@@"])
def test_a_file_that_never_ends_is_not_left_open(
    wire: SocketClient, end: bytes, chunk: int
) -> None:
    # Starlette's parser forgets the file of a part without an end: nobody closes it, it goes with
    # its last reference, and Python warns. In memory that warning would be this process's.
    client = wire
    before = client.get("/forms/open").json()
    head = b'--cut\r\ncontent-disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
    # More than is kept in memory: there is a file on disk, and a descriptor.
    body = head + b"y" * 1_200_000 + end
    assert client.send("POST", "/forms/def", KIND, body, chunk and 70_000).status == 422
    # A thread lets go of its last request when it comes to rest, which may be after the answer.
    deadline = time.monotonic() + PATIENCE
    while client.get("/forms/open").json() > before:
        assert time.monotonic() < deadline, "it stays open"
