"""Forms on the wire: padding, parts, base64url, JSON."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from chat.e2e import wire
from chat.e2e.canonical import decode, encode, read_object
from chat.e2e.envelope import (
    CLASSES,
    KINDS,
    Content,
    identity,
    pack,
    read_tag,
    split,
    to_tag,
    unpack,
)
from chat.e2e.errors import E2eError, MalformedError
from chat.e2e.olm import Account, Inbound, OlmMessage, Outbound, Sas, message_index, verify
from chat.irc.message import Message
from chat.pki.authority import Identity

ALICE = Identity("alice", "laptop")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


class EnvelopeTests(TestCase):
    @given(TEXT, st.sampled_from(KINDS), st.integers(0, 2**53 - 1))
    def test_there_and_back(self, body: str, kind: str, seq: int) -> None:
        content = Content("room:#lab", ALICE, kind, body, "m1", seq)
        packed = pack(content)
        self.assertIn(len(packed), CLASSES)
        self.assertEqual(unpack(packed), content)

    def test_lengths_are_hidden(self) -> None:
        sizes = {
            len(pack(Content("room:#lab", ALICE, "message", "x" * n, "", 0))) for n in range(90)
        }
        self.assertEqual(sizes, {256})

    @settings(max_examples=30)
    @given(st.text(st.sampled_from('aä "\\\n\U0001f600'), max_size=6000))
    def test_parts(self, body: str) -> None:
        parts = split("room:#lab", ALICE, "message", body, "m" * 64)
        self.assertEqual("".join(parts), body)
        for part in parts:
            pack(Content("room:#lab", ALICE, "message", part, "m" * 64, 2**53 - 1, (16, 16)))

    def test_a_tag_fits(self) -> None:
        ciphertext = Outbound().encrypt(bytes(CLASSES[-1]))
        tag = to_tag("A" * 22, ciphertext)
        self.assertLess(len(f"+securechat/e2e={tag}"), 4094)
        self.assertEqual(read_tag(tag), ("A" * 22, ciphertext))

    @given(st.binary(max_size=300))
    def test_anything(self, plaintext: bytes) -> None:
        self.assertRaises(MalformedError, unpack, plaintext.ljust(256, b"\0"))

    def test_half_a_surrogate(self) -> None:
        self.assertRaises(E2eError, split, "room:#lab", ALICE, "message", "\ud800", "")

    def test_names(self) -> None:
        self.assertEqual(identity("alice/laptop"), ALICE)
        for name in ("alice", "/", "alice/", "alice/a/b", "../a", "", "al ice/x"):
            self.assertRaises(MalformedError, identity, name)


class WireTests(TestCase):
    @given(st.binary(max_size=16 * 1024))
    @settings(max_examples=30)
    def test_there_and_back(self, payload: bytes) -> None:
        assembly = wire.Assembly()
        lines = wire.lines("SEND", ("bob/phone", "1"), payload)
        found = [assembly.add(line) for line in lines]
        self.assertEqual(found, [None] * (len(lines) - 1) + [payload])

    def test_wrong_parts(self) -> None:
        one, two, three = wire.lines("SEND", ("a",), bytes(7000))
        for order in ([two], [one, three], [one, one, two], [one, two, two]):
            assembly = wire.Assembly()
            with self.assertRaises(MalformedError):
                for line in order:
                    assembly.add(line)
        assembly = wire.Assembly()
        for number in range(wire.MOST_OPEN):
            assembly.add(Message("E2E", ("SEND", str(number), "1/2")))
        self.assertRaises(MalformedError, assembly.add, Message("E2E", ("SEND", "x", "1/2")))

    def test_too_large(self) -> None:
        assembly = wire.Assembly()
        with self.assertRaises(MalformedError):
            for line in wire.lines("SEND", ("a",), bytes(16 * 1024 + 1)):
                assembly.add(line)


class CanonicalTests(TestCase):
    @given(st.binary())
    def test_base64url(self, data: bytes) -> None:
        self.assertEqual(decode(encode(data)), data)

    def test_one_spelling(self) -> None:
        for text in ("AA==", "AB", "A", "A+", "é", "AA\n"):
            self.assertRaises(MalformedError, decode, text)

    def test_not_an_object(self) -> None:
        for text in (b"", b"[]", b"1", b"{", b"\xff", b"[" * 100_000):
            self.assertRaises(MalformedError, read_object, text)


class LibraryTests(TestCase):
    @given(st.binary(max_size=200))
    def test_anything(self, data: bytes) -> None:
        """Whatever comes, the library's failure is one of ours."""
        text = encode(data)
        session = Outbound().inbound()
        for attempt in (
            lambda: OlmMessage(True, data),
            lambda: OlmMessage(False, data),
            lambda: Inbound.imported(text),
            lambda: session.decrypt(data),
            lambda: message_index(data),
            lambda: verify(text, b"", text),
            lambda: Sas().agree(text + "A" * 7),
            lambda: Account().begin(text, text),
        ):
            with contextlib.suppress(E2eError):
                attempt()
