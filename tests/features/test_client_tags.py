"""Client-only tags: what travels along, what history keeps, and what the operator denies."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.features.client_tags import is_denied
from chat.irc.message import parse
from tests.support.world import FakeClient, World

CAPS = "message-tags echo-message batch draft/chathistory draft/event-playback"
#: As clients send them today; those that are drafts under their final names too.
TAGS = {
    "+reply": "abc",
    "+draft/reply": "abc",
    "+react": "\N{THUMBS UP SIGN}",
    "+draft/react": "\N{THUMBS UP SIGN}",
    "+unreact": ":)",
    "+draft/unreact": ":)",
    "+channel-context": "#room",
    "+draft/channel-context": "#room",
    "+example.org/anything": "a b",
}


class TagCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.alice, self.bob = (self.world.client(name, CAPS) for name in ("alice", "bob"))
        for client in (self.alice, self.bob):
            client.exchange("JOIN #room")
        self.bob.lines()

    def received(self, line: str) -> list[dict[str, str]]:
        """Have alice send ``line``; return the client-only tags of what bob gets of it."""
        self.alice.send(line)
        return [client_only(got) for got in self.bob.lines()]

    def history(self, reader: FakeClient) -> list[dict[str, str]]:
        """Return the client-only tags of all that was said in the room."""
        lines = reader.exchange("CHATHISTORY LATEST #room * 100")[1:-1]
        return [client_only(line) for line in lines if parse(line.encode()).command != "JOIN"]


def client_only(line: str) -> dict[str, str]:
    tags = parse(line.encode()).tags
    return {tag: value for tag, value in tags.items() if tag.startswith("+")}


class RelayTests(TagCase):
    def test_every_tag_travels_and_is_kept(self) -> None:
        """message-tags: "Client-only tags MUST be relayed on PRIVMSG, NOTICE and TAGMSG messages".

        reply: "its value references the server provided ID of another message".
        react: "These tags MAY be attached to an empty message."
        """
        for tag, value in TAGS.items():
            word = value.replace(" ", r"\s").replace(";", r"\:")
            for command in ("TAGMSG #room", "PRIVMSG #room :text", "NOTICE #room :text"):
                self.assertEqual(self.received(f"@{tag}={word} {command}"), [{tag: value}])
        kept = self.history(self.bob)
        self.assertEqual(kept, [{tag: value} for tag, value in TAGS.items() for _ in range(3)])

    def test_a_reaction_is_a_reply_too(self) -> None:
        """react: "this tag MUST be used in conjunction with the +reply client tag" """
        tags = {"+reply": "abc", "+draft/react": "lol"}
        self.assertEqual(self.received("@+reply=abc;+draft/react=lol TAGMSG #room"), [tags])
        self.assertEqual(self.history(self.bob), [tags])

    def test_without_event_playback_reactions_are_not_played(self) -> None:
        """chathistory: "the server MUST NOT send any lines other than PRIVMSG and NOTICE" """
        self.received("@+reply=abc;+draft/react=lol TAGMSG #room")
        self.bob.exchange("CAP REQ -draft/event-playback")
        self.assertEqual(self.history(self.bob), [])

    def test_too_many(self) -> None:
        """message-tags: "Clients MUST NOT send messages with tag data exceeding 4094 bytes" """
        full = "+x=" + "y" * 4091
        self.assertEqual(len(full), 4094)
        self.assertEqual(self.received(f"@{full} TAGMSG #room"), [{"+x": "y" * 4091}])
        self.alice.lines()
        (line,) = self.alice.exchange(f"@{full}y TAGMSG #room")
        self.assertIn(" 417 alice ", line)
        self.assertEqual(self.bob.lines(), [])


class TypingTests(TagCase):
    def test_the_three_values(self) -> None:
        """typing: "possible values of active, paused, and done" """
        for value in ("active", "paused", "done"):
            got = self.received(f"@+typing={value} TAGMSG #room")
            self.assertEqual(got, [{"+typing": value}])
        for value in ("", "=", "=yes", "=ACTIVE"):
            self.assertEqual(self.received(f"@+typing{value} TAGMSG #room"), [], value)
        self.assertEqual(self.received("@+typing=no;+x=y TAGMSG #room"), [{"+x": "y"}])

    def test_history_never_has_it(self) -> None:
        tags = {"+typing": "active", "+reply": "abc"}
        self.assertEqual(self.received("@+typing=active;+reply=abc TAGMSG #room"), [tags])
        self.assertEqual(self.received("@+typing=active TAGMSG #room"), [{"+typing": "active"}])
        self.assertEqual(self.history(self.bob), [])


class DenialTests(TagCase):
    def deny(self, *tags: str) -> None:
        self.world.hub.set_settings(evolve(self.world.settings, denied_client_tags=tags))

    def token(self) -> list[str]:
        words = " ".join(self.alice.exchange("VERSION")).split()
        return [word for word in words if word.startswith("CLIENTTAGDENY")]

    def test_none_is_denied_by_default(self) -> None:
        """message-tags: "omitting the token entirely is recommended" """
        self.assertEqual(self.token(), [])

    def test_some(self) -> None:
        """message-tags: "certain client-only tags are blocked and will be silently ignored" """
        self.deny("typing", "draft/react")
        self.assertEqual(self.token(), ["CLIENTTAGDENY=typing,draft/react"])
        self.assertEqual(self.received("@+typing=active TAGMSG #room"), [])
        self.assertEqual(self.alice.lines(), [])
        got = self.received("@+draft/react=x;+reply=abc TAGMSG #room")
        self.assertEqual(got, [{"+reply": "abc"}])
        # "blocking tags will not necessarily block the message that the tag is attached to"
        self.assertEqual(self.received("@+draft/react=x PRIVMSG #room :text"), [{}])
        self.assertEqual(self.history(self.bob), [{"+reply": "abc"}, {}])

    def test_all_but_some(self) -> None:
        """message-tags: "CLIENTTAGDENY=*,-foo,-example/bar" """
        denied = ("*", "-foo", "-example/bar")
        self.deny(*denied)
        self.assertEqual(self.token(), ["CLIENTTAGDENY=*,-foo,-example/bar"])
        got = self.received("@+foo=1;+bar=2;+example/bar=3 PRIVMSG #room :text")
        self.assertEqual(got, [{"+foo": "1", "+example/bar": "3"}])
        self.assertTrue(is_denied("bar", denied))
        self.assertFalse(is_denied("bar", ()))

    def test_who_denies_names_offers_no_resending(self) -> None:
        for denied, is_offered in (((), True), (("*",), False), (("*", "-securechat/id"), True)):
            self.deny(*denied)
            offered = " ".join(self.alice.exchange("CAP LS 302")).split()
            self.assertEqual("securechat/id" in offered, is_offered, denied)


class SelfMessageTests(SynchronousTestCase):
    def test_each_session_sees_what_another_sends(self) -> None:
        """znc.in/self-message: own messages come with oneself as the source, to the receiver."""
        world = World()
        world.add_account("alice")
        world.client("bob")
        laptop = world.client("alice", account="alice")
        phone = world.client("alice", "znc.in/self-message", account="alice")
        self.assertEqual(laptop.exchange("PRIVMSG bob :hi"), [])
        self.assertEqual(phone.lines(), [":alice!alice@127.0.0.1 PRIVMSG bob hi"])
