"""The messages of an enrolment: what is one, and what is none."""

from __future__ import annotations

import contextlib  # not suppress alone: trial would take it for an attribute of the tests
import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.pki.enrolment import (
    Enrol,
    EnrolmentMessage,
    Greeting,
    Issued,
    Open,
    Refusal,
    Renew,
    Terms,
    decode,
    encode,
)
from chat.pki.errors import PkiError

MESSAGES: tuple[EnrolmentMessage, ...] = (
    Greeting("Lab", "PEM"),
    Open(b"\0\xff", b"proof"),
    Terms("alice", "laptop", needs_password=True),
    Enrol("PEM", None),
    Enrol("PEM", "pässword"),
    Renew("PEM"),
    Issued("PEM"),
    Refusal("No"),
)


class MessageTests(SynchronousTestCase):
    def test_there_and_back(self) -> None:
        for message in MESSAGES:
            line = encode(message)
            self.assertEqual((line.count(b"\n"), line[-1:]), (1, b"\n"))
            self.assertEqual(decode(line), message)

    def test_a_password_is_in_no_repr(self) -> None:
        self.assertNotIn("secret", repr(Enrol("PEM", "secret")))

    def test_no_message(self) -> None:
        for line in (
            b"",
            b"null",
            b"[]",
            b"{}",
            b"\xff",
            b'{"type": "nothing"}',
            b'{"type": ["open"]}',
            b'{"type": "open", "invitation": "AA=="}',
            b'{"type": "open", "invitation": 1, "proof": ""}',
            b'{"type": "open", "invitation": "%%%", "proof": ""}',
            b'{"type": "enrol", "request": "PEM", "password": 5}',
            b'{"type": "terms", "account": "a", "device": "b", "needs_password": "no"}',
            b'{"type": "refusal", "text": "x", "more": 1}',
        ):
            self.assertRaises(PkiError, decode, line)

    @given(
        st.binary(max_size=200)
        | st.recursive(st.none() | st.text(), st.lists).map(
            lambda value: json.dumps({"type": "open", "invitation": value, "proof": value}).encode()
        )
    )
    def test_anything(self, line: bytes) -> None:
        with contextlib.suppress(PkiError):
            decode(line)
