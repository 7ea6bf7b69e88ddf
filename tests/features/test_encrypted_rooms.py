"""Channel mode +E: what is said in the clear is refused, and history has none of it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.features.encrypted_rooms import PLACEHOLDER
from chat.network.events import MessageSent
from tests.support.world import FakeClient, World

CAPABILITIES = "message-tags standard-replies echo-message batch draft/multiline"
TAG = "+securechat/e2e"
CIPHERTEXT = f"{TAG}=1.c2Vzc2lvbg.{'A' * 64}"


def refused(command: str) -> list[str]:
    return [
        f":irc.test FAIL {command} E2E_REQUIRED #room :Only encrypted messages are taken here (+E)"
    ]


class EncryptedRoomTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.alice = self.enter("alice", CAPABILITIES)
        self.alice.send("MODE #room +E")
        self.bob = self.enter("bob", CAPABILITIES)
        self.old = self.enter("old", "")
        for client in (self.alice, self.bob, self.old):
            client.lines()

    def enter(self, nick: str, capabilities: str) -> FakeClient:
        client = self.world.client(nick, f"{capabilities} draft/message-redaction".strip())
        client.send("JOIN #room")
        client.lines()
        return client

    def said(self) -> list[MessageSent]:
        return [one.event for one in self.world.log.stored if isinstance(one.event, MessageSent)]

    def assert_refused(self, line: str, command: str) -> None:
        self.assertEqual(self.bob.exchange(line), refused(command))
        self.assertEqual([self.alice.lines(), self.said()], [[], []])

    def test_ciphertext_goes_to_all(self) -> None:
        for command in ("PRIVMSG", "NOTICE"):
            self.bob.send(f"@{CIPHERTEXT};+securechat/id=k9dZ_+/= {command} #room :{PLACEHOLDER}")
            [line] = self.alice.lines()
            self.assertIn(f"{CIPHERTEXT};+securechat/id=k9dZ_+/= :bob!", line)
            self.assertTrue(line.endswith(f" {command} #room :{PLACEHOLDER}"))
            [line] = self.old.lines()
            self.assertTrue(line.startswith(":bob!"))
            self.assertTrue(line.endswith(f" {command} #room :{PLACEHOLDER}"))
        self.bob.send(f"@{CIPHERTEXT} TAGMSG #room")
        self.assertIn(CIPHERTEXT, self.alice.lines()[0])

    def test_the_clear_is_refused(self) -> None:
        for command in ("PRIVMSG", "NOTICE"):
            for line in (
                f"{command} #room :hello",
                f"{command} @#room :hello",
                f"{command} #room :{PLACEHOLDER}",
                f"@{CIPHERTEXT} {command} #room :hello",
                f"@{CIPHERTEXT} {command} #room :{PLACEHOLDER} ",
                f"@{CIPHERTEXT};+reply=x {command} #room :{PLACEHOLDER}",
                f"@{CIPHERTEXT};+draft/react=x {command} #room :{PLACEHOLDER}",
                f"@{CIPHERTEXT};+typing=done {command} #room :{PLACEHOLDER}",
                f"@{CIPHERTEXT};+securechat/id=hello\\sthere {command} #room :{PLACEHOLDER}",
                f"@{CIPHERTEXT};+securechat/id={'x' * 65} {command} #room :{PLACEHOLDER}",
            ):
                self.assert_refused(line, command)

    def test_malformed_ciphertext_is_refused(self) -> None:
        for value in (
            "",
            "1",
            "2.c2Vzc2lvbg." + "A" * 64,
            "1.c2Vzc2lvbg." + "A" * 15,
            "1.c2Vzc2lvbg." + "A" * 4001,
            "1." + "s" * 65 + "." + "A" * 64,
            "1..AAAAAAAAAAAAAAAAAAAA",
            "1.x." + "A" * 60 + "=",
            "1.x.hello\\sthere\\severybody",
            "1.x.AAAAAAAAAAAAAAAAAAAA.A",
            "1.x.AAAAAAAAAAAAAAAAAAAA\\n",
        ):
            self.assert_refused(f"@{TAG}={value} PRIVMSG #room :{PLACEHOLDER}", "PRIVMSG")

    def test_tags_alone(self) -> None:
        self.bob.exchange("@+typing=active TAGMSG #room")
        self.assertIn("+typing=active :bob!", self.alice.lines()[0])
        for tags in ("+draft/react=x", "+reply=x", "+typing=active;+reply=x", f"{TAG}=1.x.y"):
            self.assert_refused(f"@{tags} TAGMSG #room", "TAGMSG")
        self.assert_refused(f"@{CIPHERTEXT};+reply=x TAGMSG #room", "TAGMSG")

    def test_several_lines_are_refused(self) -> None:
        lines = ("BATCH +1 draft/multiline #room", "@batch=1 PRIVMSG #room :hello")
        self.assertEqual(self.bob.exchange(*lines, "BATCH -1"), refused("PRIVMSG"))
        opening = f"@{CIPHERTEXT} BATCH +1 draft/multiline #room"
        line = f"@batch=1 PRIVMSG #room :{PLACEHOLDER}"
        self.assertEqual(self.bob.exchange(opening, line, "BATCH -1"), refused("PRIVMSG"))
        self.assertEqual(self.said(), [])

    def test_a_bridge_is_refused(self) -> None:
        self.assertEqual(self.alice.exchange("RELAYMSG #room x/y :hello"), refused("RELAYMSG"))

    def test_clients_without_standard_replies(self) -> None:
        """Modern IRC, NOTICE: "servers must never send an error" for it."""
        self.assertEqual(
            self.old.exchange("PRIVMSG #room :hello"),
            [":irc.test 404 old #room :Only encrypted messages are taken here (+E)"],
        )
        self.assertEqual(self.old.exchange("NOTICE #room :hello"), [])
        self.assertEqual(self.said(), [])

    def test_taken_back_without_a_reason(self) -> None:
        self.bob.send(f"@{CIPHERTEXT} PRIVMSG #room :{PLACEHOLDER}")
        uid = self.world.log.stored[-1].uid
        self.bob.lines()
        self.assertEqual(self.bob.exchange(f"REDACT #room {uid} :wrong pump"), refused("REDACT"))
        self.assertEqual(len(self.bob.exchange(f"REDACT #room {uid}")), 1)

    def test_operators_set_it_and_unset_it(self) -> None:
        self.assertIn(" 482 ", self.bob.exchange("MODE #room -E")[0])
        self.assertIn(" MODE #room -E", self.alice.exchange("MODE #room -E")[0])
        self.bob.lines()
        self.assertIn("hello", self.bob.exchange("PRIVMSG #room :hello")[0])

    def test_other_places_are_as_they_were(self) -> None:
        self.bob.send("PRIVMSG alice :hello", "@+reply=x PRIVMSG alice :hello")
        self.assertEqual(len(self.alice.lines()), 2)

    def test_announced(self) -> None:
        fresh = self.world.connect()
        fresh.send("NICK fresh", "USER fresh 0 * :Fresh")
        [tokens] = [line for line in fresh.lines() if "CHANMODES=" in line]
        self.assertIn("CHANMODES=Ibe,k,Hfl,CEJMPRimnstu ", tokens)
