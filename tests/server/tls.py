"""A certificate for 127.0.0.1 with its authority, a client's, and a `Line` that speaks TLS."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

import trustme
from contract.wire import Address, Line, request


class Certificates(NamedTuple):
    """Files in PEM; what the authority has signed."""

    authority: Path
    certificate: Path
    key: Path
    #: Certificate and key of a client.
    client: Path

    def context(self, client: bool = False) -> ssl.SSLContext:
        """What a client needs to trust the server, and with `client` to be trusted."""
        context = ssl.create_default_context(cafile=str(self.authority))
        if client:
            context.load_cert_chain(self.client)
        return context


def certificates(folder: Path) -> Certificates:
    authority = trustme.CA()
    server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("somebody@client.test")
    made = Certificates(*(folder / f"{name}.pem" for name in Certificates._fields))
    authority.cert_pem.write_to_path(str(made.authority))
    server.private_key_pem.write_to_path(str(made.key))
    for blob in server.cert_chain_pems:
        blob.write_to_path(str(made.certificate), append=True)
    client.private_key_and_cert_chain_pem.write_to_path(str(made.client))
    return made


class SecureLine(Line):
    """A connection over TLS."""

    def __init__(self, address: Address, context: ssl.SSLContext) -> None:
        super().__init__(address)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        except OSError:
            self.socket.close()
            raise


def is_refused(address: Address, context: ssl.SSLContext) -> bool:
    """Whether who asks with `context` gets no byte; TLS 1.3 tells after the client's handshake."""
    try:
        with SecureLine(address, context) as line:
            line.send(request("GET", "/pid"))
            return line.at_end()
    except ssl.SSLError:
        return True
