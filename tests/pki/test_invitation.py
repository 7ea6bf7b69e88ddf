"""The code of an invitation, and the proof that one has it."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.pki.authority import make_root
from chat.pki.errors import IncompleteCodeError, InvitationError
from chat.pki.invitation import Invitation, new_invitation, prove, proves, public_part
from tests.pki.networks import now

ROOT = make_root("Lab", now()).certificate
ADDRESSES = ("chat.lab.example:6697", "127.0.0.1:6697", "[2001:db8::1]:443")


class CodeTests(SynchronousTestCase):
    def test_there_and_back(self) -> None:
        for address in ADDRESSES:
            invitation = new_invitation("alice", address, ROOT)
            code = invitation.code
            self.assertTrue(code.startswith(f"alice@{address}/"))
            self.assertEqual(Invitation.parse(code), invitation)
            self.assertTrue(invitation.is_by(ROOT))

    def test_as_people_type_it(self) -> None:
        invitation = new_invitation("alice", ADDRESSES[0], ROOT)
        place, _, secret = invitation.code.partition("/")
        for typed in (secret.upper(), secret.replace("-", ""), secret.replace("-", " \n")):
            self.assertEqual(Invitation.parse(f"  {place}/{typed}\n"), invitation)

    def test_every_mistyping_is_found(self) -> None:
        code = new_invitation("alice", ADDRESSES[0], ROOT).code
        for position, letter in enumerate(code):
            if letter == "-":
                continue
            for wrong in ("b" if letter != "b" else "c", "", letter * 2):
                typed = code[:position] + wrong + code[position + 1 :]
                self.assertRaises(InvitationError, Invitation.parse, typed)

    def test_each_mistake_has_its_words(self) -> None:
        code = new_invitation("alice", ADDRESSES[0], ROOT).code
        for typed, words in (
            ("", "is no invitation"),
            ("https://example.org/", "is no invitation"),
            (code[:-3], "not complete"),
            (f"{code}aa", "too long"),
            (code[:-1] + "1", "the digits 2 to 7"),
            (code[:-1] + ("a" if code[-1] != "a" else "b"), "mistyped"),
        ):
            with self.assertRaises(InvitationError) as caught:
                Invitation.parse(typed)
            self.assertIn(words, str(caught.exception))

    def test_what_goes_on_in_another_line(self) -> None:
        code = new_invitation("alice", ADDRESSES[0], ROOT).code
        for end in (code.index("@") + 1, code.index(":"), code.index("/") + 1, len(code) - 1):
            self.assertRaises(IncompleteCodeError, Invitation.parse, code[:end])

    @given(st.text(max_size=120))
    def test_anything(self, typed: str) -> None:
        self.assertRaises(InvitationError, Invitation.parse, typed)

    def test_no_two_are_alike_and_none_is_in_a_repr(self) -> None:
        one, other = (new_invitation("alice", ADDRESSES[0], ROOT) for _ in range(2))
        self.assertNotEqual(one.secret, other.secret)
        self.assertNotIn(repr(one.secret), repr(one))

    def test_another_authority(self) -> None:
        other = make_root("Lab", now()).certificate
        self.assertFalse(new_invitation("alice", ADDRESSES[0], ROOT).is_by(other))


class ProofTests(SynchronousTestCase):
    def test_only_who_has_the_code_and_only_here(self) -> None:
        invitation = new_invitation("alice", ADDRESSES[0], ROOT)
        key = invitation.key()
        proof = prove(key, b"this session")
        public = public_part(key)
        self.assertTrue(proves(public, proof, b"this session"))
        self.assertFalse(proves(public, proof, b"another session"))
        stranger = evolve(invitation, secret=b"x" * 16).key()
        self.assertFalse(proves(public, prove(stranger, b"this session"), b"this session"))
        for strange in (b"", b"x", bytes(32), bytes(64)):
            self.assertFalse(proves(public, strange, b"this session"))
            self.assertFalse(proves(strange, proof, b"this session"))
