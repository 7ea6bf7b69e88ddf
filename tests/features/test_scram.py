"""AUTHENTICATE SCRAM-SHA-256: RFC 5802 and RFC 7677, in the words of both."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramClient
from twisted.trial.unittest import SynchronousTestCase

from chat.features.scram import RefusedExchangeError, parse_client_first
from chat.irc import sasl
from chat.network.settings import AccountSettings
from tests.support.world import OPEN, FakeClient, World

NAME, PASSWORD = "Alice", "pencil"


def say(client: FakeClient, message: str) -> list[str]:
    """Send one message of the mechanism, and return the lines that answer it."""
    return client.exchange(*(f"AUTHENTICATE {each}" for each in sasl.chunks(message.encode())))


def decode(lines: list[str]) -> str:
    """Return the message of the mechanism that lines of AUTHENTICATE carry."""
    words = [line.removeprefix(":irc.test AUTHENTICATE ") for line in lines]
    return b64decode("".join(words).removesuffix("+")).decode()


class ScramCase(SynchronousTestCase):
    def world(self, accounts: AccountSettings = OPEN) -> World:
        world = World(accounts)
        world.add_account(NAME, PASSWORD)
        world.add_account("user", PASSWORD)
        return world

    def start(self, world: World, **peer: Any) -> FakeClient:
        client = world.connect(**peer)
        self.assertEqual(
            client.exchange("AUTHENTICATE SCRAM-SHA-256"), [":irc.test AUTHENTICATE +"]
        )
        return client

    def prove(self, client: FakeClient, name: str, password: str) -> list[str]:
        """Return what answers the client's final message."""
        scram = ScramClient(["SCRAM-SHA-256"], name, password)
        first = scram.get_client_first()
        scram.set_server_first(decode(say(client, first)))
        lines = say(client, scram.get_client_final())
        if lines and " AUTHENTICATE " in lines[0]:
            scram.set_server_final(decode(lines))
        return lines


class ScramTests(ScramCase):
    def test_the_example_of_the_specification(self) -> None:
        """RFC 7677, 3: "This is a simple example of a SCRAM-SHA-256 authentication exchange"."""
        client = self.start(self.world())
        first = say(client, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        self.assertEqual(
            decode(first),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        )
        final = say(
            client,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        )
        self.assertEqual(decode(final), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
        self.assertIsNone(client.machine.session.account)
        self.assertEqual(
            client.exchange("AUTHENTICATE +"),
            [
                ":irc.test 900 * *!*@127.0.0.1 user :You are now logged in as user",
                ":irc.test 903 * :SASL authentication successful",
            ],
        )
        self.assertEqual(client.log, ["logged in as user by SCRAM-SHA-256"])

    def test_in_any_case_and_in_chunks(self) -> None:
        """sasl-3.1: "split to 400-byte chunks", the server's messages too."""
        client = self.start(self.world())
        lines = say(client, f"n,,n=aLICE,r={'x' * 500}")
        self.assertEqual([len(line) for line in lines[:-1]], [len(":irc.test AUTHENTICATE ") + 400])
        self.assertTrue(decode(lines).startswith(f"r={'x' * 500}%"))

    def test_wrong_password_and_unknown_account_look_alike(self) -> None:
        """RFC 5802, 5: "If the server can not verify the proof, it fails the exchange"."""
        world, answers = self.world(), []
        for name in (NAME, "nobody"):
            client = self.start(world)
            answers.append(self.prove(client, name, "wrong"))
            self.assertIsNone(client.machine.session.account)
            # The exchange is over.
            self.assertIn(" 904 ", client.exchange("AUTHENTICATE +")[-1])
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(
            answers[0], [":irc.test 904 * :SASL authentication failed: wrong account or password"]
        )
        self.assertEqual([(each.account, each.holds) for each in world.proofs], [
            (NAME, False), ("nobody", False),
        ])  # fmt: skip

    def test_nonce(self) -> None:
        """RFC 5802, 5.1: "The server MUST verify that the nonce sent by the client in the second
        message is the same as the one sent by the server in its first message."
        """
        client = self.start(self.world())
        scram = ScramClient(["SCRAM-SHA-256"], NAME, PASSWORD)
        first = scram.get_client_first()
        scram.set_server_first(decode(say(client, first)).replace("$k0", "$k1"))
        self.assertIn(" 904 ", say(client, scram.get_client_final())[0])

    def test_channel_binding(self) -> None:
        """RFC 5802, 6: "If the channel binding flag was "p" and the server does not support the
        indicated channel binding type, then the server MUST fail authentication."
        """
        client = self.start(self.world())
        lines = say(client, "p=tls-server-end-point,,n=user,r=nonce")
        self.assertEqual(lines, [":irc.test 904 * :SASL authentication failed"])
        client = self.start(self.world())
        self.assertIn(" AUTHENTICATE ", say(client, "y,,n=user,r=nonce")[0])

    def test_header_is_repeated(self) -> None:
        """RFC 5802, 5.1: "This REQUIRED attribute specifies the base64-encoded GS2 header and
        channel binding data."
        """
        for header, numeric in (("n,,", "AUTHENTICATE"), ("y,,", "904")):
            client = self.start(self.world())
            scram = ScramClient(["SCRAM-SHA-256"], NAME, PASSWORD)
            first = scram.get_client_first().replace("n,,", header)
            scram.set_server_first(decode(say(client, first)))
            self.assertIn(f" {numeric} ", say(client, scram.get_client_final())[0])

    def test_authorization_identity(self) -> None:
        """RFC 5802, 5.1: "If the "a" attribute specifies a different user" - nobody may."""
        for authzid, numeric in (("alice", "AUTHENTICATE"), ("user", "904"), ("=2C", "904")):
            client = self.start(self.world())
            lines = say(client, f"n,a={authzid},n={NAME},r=nonce")
            self.assertIn(f" {numeric} ", lines[0])
        client = self.start(self.world())
        scram = ScramClient(["SCRAM-SHA-256"], NAME, PASSWORD)
        header = scram.gs2_header = Header("n,a=Alice,")
        first = scram.get_client_first()
        scram.set_server_first(decode(say(client, first)))
        self.assertTrue(first.startswith(header.text))
        self.assertIn(" AUTHENTICATE ", say(client, scram.get_client_final())[0])
        self.assertIn(" 903 ", client.exchange("AUTHENTICATE +")[1])

    def test_only_the_account_in_the_certificate(self) -> None:
        """identity = "certificate": not even the salt of another account is told."""
        world = self.world(AccountSettings())
        for certificate in ("user", None):
            client = self.start(world, account=certificate)
            lines = say(client, f"n,,n={NAME},r=nonce")
            self.assertIn("904 * :SASL authentication failed: the certificate belongs", lines[0])
            self.assertIn("another account", client.log[0])
        client = self.start(world, account=NAME)
        self.prove(client, NAME, PASSWORD)
        self.assertIn(" 903 ", client.exchange("AUTHENTICATE +")[1])

    def test_an_account_that_goes_meanwhile(self) -> None:
        world = self.world()
        client = self.start(world)
        self.prove(client, NAME, PASSWORD)
        del world.accounts["alice"]
        self.assertIn(" 904 ", client.exchange("AUTHENTICATE +")[0])

    def test_broken_messages(self) -> None:
        world = self.world()
        for first in (
            "", "n", "n,,", "x,,n=user,r=x", "n,user,n=user,r=x", "n,,n=user",
            "n,,m=ext,n=user,r=x", "n,,n=,r=x", "n,,n=us=er,r=x", "n,,n=user,r=\x7f",
        ):  # fmt: skip
            lines = say(self.start(world), first)
            self.assertEqual(lines, [":irc.test 904 * :SASL authentication failed"], first)
        client = self.start(world)
        self.assertIn(" 904 ", client.exchange("AUTHENTICATE /w==")[0])
        for final in ("", "c=biws", "c=biws,r=x,p=x"):
            client = self.start(world)
            say(client, "n,,n=user,r=x")
            self.assertIn(" 904 ", say(client, final)[0])
        client = self.start(world)
        self.prove(client, NAME, PASSWORD)
        self.assertIn(" 904 ", say(client, "more")[0])

    def test_abort(self) -> None:
        """sasl-3.1: "The client can abort an authentication by sending an asterisk"."""
        client = self.start(self.world())
        say(client, "n,,n=user,r=x")
        self.assertIn(" 906 ", client.exchange("AUTHENTICATE *")[0])
        self.assertIsNone(client.machine.session.sasl_exchange)
        client.log_in("user", PASSWORD)
        self.assertEqual(client.machine.session.account, "user")

    def test_nothing_secret_in_a_repr(self) -> None:
        client = self.start(self.world())
        say(client, "n,,n=user,r=x")
        self.assertNotIn("nonce", repr(client.machine.session))

    @given(st.text() | st.from_regex(r"[nyp],(a=\w*)?,n=\w*,r=.*", fullmatch=True))
    def test_any_text(self, message: str) -> None:
        try:
            first = parse_client_first(message)
        except RefusedExchangeError:
            return
        self.assertEqual(first.header + first.bare, message)


class Header:
    """A client's GS2 header with an authorization identity, which scramp's client has not."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def make_cbind_input(self, binding: object) -> bytes:
        return self.text.encode()
