"""SASL SCRAM-SHA-256: an exchange as values, and what it asks of the world outside.

The library scramp computes; here is no clock and no randomness: the server's nonce
is part of the answer to `ScramKeys`.

Sources: RFC 5802 (SCRAM), RFC 7677 (SCRAM-SHA-256).
"""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from scramp import ScramException, ScramMechanism

from chat.features.feature import Query

MECHANISM = "SCRAM-SHA-256"
_SCRAM = ScramMechanism(MECHANISM)


class RefusedExchangeError(ValueError):
    """A message that breaks RFC 5802, or a proof that does not hold."""


@frozen
class Keys:
    """What is kept of a password (RFC 5802, 3): enough to check a proof, not to make one."""

    iterations: int
    salt: bytes
    stored: bytes = field(repr=False)
    server: bytes = field(repr=False)


@frozen
class Challenge:
    """What the server brings to an exchange; ``nonce`` is its part of the nonce."""

    keys: Keys
    nonce: str


@frozen
class ScramKeys(Query):
    """Answered with a new `Challenge`, for an account that is not there with keys of no password.

    Refused while the account or the host has to wait.
    """

    account: str


@frozen
class JudgeProof(Query):
    """Answered with whether the exchange succeeds; who fails repeatedly has to wait.

    Refused, also for a proof that holds, while the account or the host has to wait.
    """

    account: str
    holds: bool


@frozen
class ClientFirst:
    """The client's first message; the account's name without its escapes.

    An authorization identity is for the application to check.
    """

    header: str
    bare: str
    authzid: str
    account: str


@frozen
class Exchange:
    """Waits for the client's final message."""

    first: ClientFirst
    challenge: Challenge

    @property
    def server_first(self) -> str:
        """The server's first message."""
        message: str = _server(self.first, self.challenge).get_server_first()
        return message

    def server_final(self, client_final: str) -> str:
        """Return the server's final message; `RefusedExchangeError` if the proof does not hold."""
        server = _server(self.first, self.challenge)
        server.get_server_first()
        try:
            server.set_client_final(client_final)
        except ScramException as error:
            raise RefusedExchangeError(str(error)) from None
        message: str = server.get_server_final()
        return message


@frozen
class Proven:
    """Waits for the client's empty response to the server's final message."""

    account: str


def parse_client_first(message: str) -> ClientFirst:
    """Return the parts of a client's first message (RFC 5802, 7)."""
    flag, *rest = message.split(",", 2)
    if len(rest) != 2:
        raise RefusedExchangeError("The message has no GS2 header")
    identity, bare = rest
    if identity and not identity.startswith("a="):
        raise RefusedExchangeError("The GS2 header has something other than an identity")
    authzid = identity.removeprefix("a=").replace("=2C", ",").replace("=3D", "=")
    accounts: list[str] = []

    def keys_of(account: str) -> tuple[bytes, bytes, bytes, int]:
        accounts.append(account)
        return b"\0" * 32, b"", b"", 4096

    try:
        _SCRAM.make_server(keys_of, s_nonce="-").set_client_first(f"{flag},,{bare}")
    except ScramException as error:
        raise RefusedExchangeError(str(error)) from None
    return ClientFirst(f"{flag},{identity},", bare, authzid, accounts[0])


@frozen
class _Header:
    """A GS2 header with an identity, in place of scramp's, which knows none.

    The client's final message repeats the header, covered by the proof.
    """

    text: str

    def make_cbind_input(self, binding: object) -> bytes:
        return self.text.encode()


def _server(first: ClientFirst, challenge: Challenge) -> Any:
    keys = challenge.keys
    known = (keys.salt, keys.stored, keys.server, keys.iterations)
    server = _SCRAM.make_server(lambda account: known, s_nonce=challenge.nonce)
    server.set_client_first(f"{first.header.partition(',')[0]},,{first.bare}")
    server.gs2_header = _Header(first.header)
    return server
