"""What typed lines do, as lists of actions."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.client.isupport import Isupport
from chat.console.commands import (
    COMMANDS,
    Action,
    CommandError,
    Go,
    Here,
    Leave,
    Send,
    Show,
    interpret,
)
from chat.console.completion import Completion, complete
from chat.irc.message import serialize

LAB = Here("#lab", Isupport(), 30)
NOWHERE = Here(None, Isupport(), 30)


def shown(action: Action) -> str:
    return serialize(action.message).decode() if isinstance(action, Send) else repr(action)


class InterpretTest(SynchronousTestCase):
    def check(self, text: str, *expected: str, here: Here = LAB) -> None:
        self.assertEqual([shown(action) for action in interpret(here, text)], list(expected))

    def refusal(self, text: str, here: Here = LAB) -> str:
        error = self.assertRaises(CommandError, lambda: list(interpret(here, text)))
        return str(error)

    def test_text(self) -> None:
        self.check("hello there", "PRIVMSG #lab :hello there")
        self.check("//etc is a directory", "PRIVMSG #lab :/etc is a directory")
        self.check("   ")
        self.assertIn("/join #room", self.refusal("hello", NOWHERE))

    def test_unknown_is_never_sent(self) -> None:
        for text in ("/jion #lab", "/", "/ join", "/ÿ"):
            self.assertIn("There is no command", self.refusal(text))

    def test_help_of_the_servers_commands_is_its_own(self) -> None:
        self.check("/help whowas", "HELP whowas")

    def test_commands(self) -> None:
        self.check("/join #a", "JOIN #a", repr(Go("#a")))
        self.check("/JOIN a,#b key", "JOIN #a,#b key", repr(Go("#b")))
        self.check("/part", "PART #lab")
        self.check("/part #b so long", "PART #b :so long")
        self.check("/msg bob hi there", "PRIVMSG bob :hi there")
        self.check("/query bob", repr(Go("bob")))
        self.check("/me waves", "PRIVMSG #lab :\x01ACTION waves\x01")
        self.check("/nick al", "NICK al")
        self.check("/topic", "TOPIC #lab")
        self.check("/topic new words", "TOPIC #lab :new words")
        self.check("/topic #b new", "TOPIC #b new")
        self.check("/names", "NAMES #lab")
        self.check("/who", "WHO #lab")
        self.check("/whois bob", "WHOIS bob")
        self.check("/devices", "DEVICES")
        self.check("/devices bob", "DEVICES bob")
        self.check("/device add phone", "DEVICES INVITE phone")
        self.check("/device add phone 1d", "DEVICES INVITE phone 1d")
        self.check("/device Remove phone confirm", "DEVICES REMOVE phone confirm")
        self.check("/list", "LIST")
        self.check("/raw mode #lab +o :bob", "MODE #lab +o bob")
        self.check("/quit", repr(Leave("")))
        self.check("/quit see you", repr(Leave("see you")))

    def test_usage(self) -> None:
        for text in ("/join", "/msg bob", "/me", "/nick", "/whois", "/raw"):
            self.assertIn("Usage: /", self.refusal(text))
        for text in ("/device", "/device phone", "/device bring phone"):
            self.assertIn("Usage: /device add|remove", self.refusal(text))
        self.assertIn("room", self.refusal("/topic x", Here("bob", Isupport(), 0)))
        self.assertIn("/raw", self.refusal("/raw :x"))

    def test_help_lists_every_command(self) -> None:
        texts = [action.text for action in interpret(LAB, "/help") if isinstance(action, Show)]
        for command in COMMANDS.values():
            self.assertTrue(any(text.startswith(command.usage) for text in texts))
        self.assertEqual(len(list(interpret(LAB, "/help join"))), 1)


class CompletionTest(SynchronousTestCase):
    def offers(self, before: str) -> list[Completion]:
        return list(complete(before, ["#lab", "#Lobby"], ["bob", "Bert"]))

    def test_commands(self) -> None:
        self.assertEqual([offer.text for offer in self.offers("/jo")], ["/join "])
        self.assertEqual(len(self.offers("/")), len(COMMANDS))

    def test_nicknames(self) -> None:
        self.assertEqual(self.offers("B"), [Completion("bob: ", 1), Completion("Bert: ", 1)])
        self.assertEqual(self.offers("hi be"), [Completion("Bert ", 2)])

    def test_rooms(self) -> None:
        self.assertEqual([o.text for o in self.offers("/part #l")], ["#Lobby ", "#lab "])

    def test_words(self) -> None:
        self.assertEqual([offer.text for offer in self.offers("/device r")], ["remove "])
        self.assertEqual(self.offers("device r"), [])

    def test_nothing(self) -> None:
        self.assertEqual(self.offers("") + self.offers("hi "), [])
