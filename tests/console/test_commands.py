"""What typed lines do, as lists of actions."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import Manner, Said
from chat.client.isupport import Isupport
from chat.client.text import Multiline
from chat.console.commands import (
    COMMANDS,
    NAMES,
    SUBJECTS,
    Action,
    Answer,
    Clear,
    Close,
    CommandError,
    Compare,
    Connect,
    Disconnect,
    Encrypt,
    Go,
    Here,
    Ignore,
    Inspect,
    Leave,
    Mute,
    Pin,
    Retry,
    Search,
    Send,
    Set,
    SetKey,
    Show,
    Trust,
    TrustRoom,
    entries,
    interpret,
)
from chat.irc.message import serialize

ISUPPORT = Isupport({"MODES": "2", "EXTBAN": "~,am", "ACCOUNTEXTBAN": "a,account"})
THEIRS = Said("#lab", "bob", "hello", Manner.MESSAGE, False, msgid="m1")
OWN = Said("#lab", "alice", "hi", Manner.MESSAGE, True, msgid="m2")
ELSEWHERE = Said("carol", "carol", "psst", Manner.MESSAGE, False, msgid="m;3")
LAB = Here(
    "#lab",
    ISUPPORT,
    30,
    latest=THEIRS,
    latest_own=OWN,
    failed=True,
    account_of={"bob": "robert"}.get,
)
SELECTED = evolve(LAB, chosen=ELSEWHERE)
NOWHERE = Here(None, ISUPPORT, 30)
QUERY = Here("bob", ISUPPORT, 30)

#: What is typed in #lab, and what it does: lines for the server, and other actions.
TYPED: dict[str, tuple[str | Action, ...]] = {
    "/encrypt": (Encrypt("#lab", ""),),
    "/encrypt yes": (Encrypt("#lab", "yes"),),
    "/encrypt #ops off": (Encrypt("#ops", "off"),),
    "/verify bob phone": (Compare("bob", "phone"),),
    "/verify yes": (Answer(True),),
    "/verify no": (Answer(False),),
    "/e2e": (Inspect("#lab"),),
    "/e2e bob": (Inspect("bob"),),
    "/key new": (SetKey("#lab", "new"),),
    "/key #ops six words of our own here": (SetKey("#ops", "six words of our own here"),),
    "/trust bob/phone block": (Trust("bob/phone", "block"),),
    "/trust #ops verified": (TrustRoom("#ops", True),),
    "hello there": ("PRIVMSG #lab :hello there",),
    "//etc is a directory": ("PRIVMSG #lab :/etc is a directory",),
    "   ": (),
    # Rooms.
    "/join #a": ("JOIN #a", Go("#a")),
    "/JOIN a,#b key": ("JOIN #a,#b key", Go("#b")),
    "/j a": ("JOIN #a", Go("#a")),
    "/part": ("PART #lab",),
    "/part #b so long": ("PART #b :so long",),
    "/part so long": ("PART #lab :so long",),
    "/topic": ("TOPIC #lab",),
    "/topic new words": ("TOPIC #lab :new words",),
    "/topic #b new": ("TOPIC #b new",),
    "/topic -delete": ("TOPIC #lab :",),
    "/names": ("NAMES #lab",),
    "/names #b": ("NAMES #b",),
    "/list": ("LIST",),
    "/list *lab*": ("LIST *lab*",),
    "/invite bob": ("INVITE bob #lab",),
    "/invite bob #b": ("INVITE bob #b",),
    "/mute": (Mute("#lab", True),),
    "/mute bob": (Mute("bob", True),),
    "/unmute": (Mute("#lab", False),),
    "/pin": (Pin("#lab", True),),
    "/unpin #b": (Pin("#b", False),),
    # Messages.
    "/msg bob hi there": ("PRIVMSG bob :hi there",),
    "/msg bob\nhi there": ("PRIVMSG bob :hi there",),
    "/notice bob hi there": ("NOTICE bob :hi there",),
    "/query bob": (Go("bob"),),
    "/query bob are you there": (Go("bob"), "PRIVMSG bob :are you there"),
    "/me waves": ("PRIVMSG #lab :\x01ACTION waves\x01",),
    "/reply so do I": ("@+reply=m1 PRIVMSG #lab :so do I",),
    "/react 👍": ("@+reply=m1;+draft/react=👍 TAGMSG #lab",),
    "/react :tada:": ("@+reply=m1;+draft/react=🎉 TAGMSG #lab",),
    "/react :)": ("@+reply=m1;+draft/react=:) TAGMSG #lab",),
    "/unreact :+1:": ("@+reply=m1;+draft/unreact=👍 TAGMSG #lab",),
    "/redact": ("REDACT #lab m2",),
    "/redact wrong room": ("REDACT #lab m2 :wrong room",),
    "/retry": (Retry("#lab"),),
    "/search launch window": (Search("launch window", everywhere=False),),
    "/search -server a b; c": (Search("a b; c", everywhere=True), r"SEARCH text=a\sb\:\sc"),
    # People.
    "/whois bob": ("WHOIS bob",),
    "/who": ("WHO #lab",),
    "/who bob": ("WHO bob",),
    "/w bob": ("WHO bob",),
    "/nick al": ("NICK al",),
    "/away": ("AWAY Away",),
    "/away back at two": ("AWAY :back at two",),
    "/back": ("AWAY",),
    "/ignore": (Ignore(None, True),),
    "/ignore mallory": (Ignore("mallory", True),),
    "/unignore mallory": (Ignore("mallory", False),),
    "/devices": ("DEVICES",),
    "/devices bob": ("DEVICES bob",),
    "/device add phone": ("DEVICES INVITE phone",),
    "/device add phone 1d": ("DEVICES INVITE phone 1d",),
    "/device Remove phone confirm": ("DEVICES REMOVE phone confirm",),
    "/revoke bob": ("REVOKE bob",),
    "/revoke bob/phone key-compromise in a taxi": ("REVOKE bob/phone :key-compromise in a taxi",),
    # Keeping a room in order.
    "/kick bob": ("KICK #lab bob",),
    "/kick bob be kind": ("KICK #lab bob :be kind",),
    "/kick #b bob be kind": ("KICK #b bob :be kind",),
    "/ban": ("MODE #lab +b",),
    "/ban #b": ("MODE #b +b",),
    "/ban bob": ("MODE #lab +b ~a:robert",),
    "/ban mallory": ("MODE #lab +b mallory!*@*",),
    "/ban *!*@evil.example ~a:eve x!*@*": (
        "MODE #lab +bb *!*@evil.example ~a:eve",
        "MODE #lab +b x!*@*",
    ),
    "/unban bob": ("MODE #lab -bb ~a:robert bob!*@*",),
    "/unban *!*@evil.example": ("MODE #lab -b *!*@evil.example",),
    "/mode": ("MODE #lab",),
    "/mode +l 20": ("MODE #lab +l 20",),
    "/mode #b -i": ("MODE #b -i",),
    "/mode alice +i": ("MODE alice +i",),
    "/op bob carol dan": ("MODE #lab +oo bob carol", "MODE #lab +o dan"),
    "/deop #b bob": ("MODE #b -o bob",),
    "/voice bob": ("MODE #lab +v bob",),
    "/devoice bob carol": ("MODE #lab -vv bob carol",),
    # The console.
    "/set": (Set(None, None),),
    "/set notify": (Set("notify", None),),
    "/set highlight deploy, on fire": (Set("highlight", "deploy, on fire"),),
    "/clear": (Clear("#lab"),),
    "/connect": (Connect(),),
    "/disconnect": (Disconnect(),),
    "/raw mode #lab +o :bob": ("MODE #lab +o bob",),
    "/quit": (Leave(""),),
    "/exit see you": (Leave("see you"),),
    "/help whowas": ("HELP whowas",),
    "/help /back": (Show("/back: tell others that you are there again"),),
    "/help react": (
        Show("/react EMOJI: react to the selected message, or the latest"),
        Show("for example: /react :tada:"),
    ),
    "/help q": (
        Show("/query NICK_OR_ROOM [TEXT]: say what follows to somebody"),
        Show("also: /q"),
    ),
}

#: What is wrong, where it is typed, and what the error says of it.
WRONG: tuple[tuple[Here, str, str], ...] = (
    (NOWHERE, "hello", "You are in no room: /join #room, or /query NICK"),
    (QUERY, "/topic x", "bob is not a room: name one"),
    (LAB, "/close", "#lab is a room: /part leaves it"),
    (
        LAB,
        "/jion #lab",
        "There is no command /jion, but /join: /help lists them, // sends the text",
    ),
    (LAB, "/ÿ", "There is no command /ÿ: /help lists them, // sends the text"),
    (LAB, "/", "There is no command /: /help lists them, // sends the text"),
    (LAB, "/ join", "There is no command /: /help lists them, // sends the text"),
    (
        evolve(LAB, latest=None),
        "/reply yes",
        "Nobody has said anything here yet: select the message that you mean",
    ),
    (
        evolve(LAB, latest=evolve(THEIRS, msgid="")),
        "/reply yes",
        "That message has no id from the server: nothing can refer to it",
    ),
    (
        evolve(LAB, isupport=Isupport({"CLIENTTAGDENY": "*,-reply"})),
        "/react 👍",
        "This server passes no +draft/react on: say it in words",
    ),
    (
        evolve(LAB, isupport=Isupport({"CLIENTTAGDENY": "typing,reply"})),
        "/reply yes",
        "This server passes no +reply on: say it in words",
    ),
    (LAB, "/react :tadaa:", "There is no emoji :tadaa:: Tab completes the names"),
    (
        evolve(LAB, latest_own=None),
        "/redact",
        "There is no message of yours here: select the one to take back",
    ),
    (
        evolve(LAB, failed=False),
        "/retry",
        "Nothing failed to be sent to #lab: there is nothing to send again",
    ),
    (LAB, "/raw :x", "The line has no command: /raw COMMAND parameters :text"),
    (LAB, f"/raw PRIVMSG bob :{'x' * 600}", ": an IRC line has 510 bytes"),
    (LAB, "/device phone x", "Usage: /device add|remove NAME"),
    (LAB, "/whois", "#lab is a room: name somebody"),
    (LAB, "/kick #b", "Usage: /kick [ROOM] NICK [REASON]"),
    (LAB, "/op #b", "Usage: /op [ROOM] NICK ..."),
    (LAB, "/search -server", "Usage: /search [-server] WORDS"),
)


def shown(action: Action) -> str | Action:
    return serialize(action.message).decode() if isinstance(action, Send) else action


def done(here: Here, text: str) -> tuple[str | Action, ...]:
    return tuple(shown(action) for action in interpret(here, text))


class InterpretTest(SynchronousTestCase):
    def refusal(self, here: Here, text: str) -> str:
        return str(self.assertRaises(CommandError, interpret, here, text))

    def test_typed(self) -> None:
        for text, expected in TYPED.items():
            self.assertEqual(done(LAB, text), expected, text)

    def test_each_command_is_typed_here(self) -> None:
        typed = {text.split()[0][1:].lower() for text in TYPED if text.startswith("/")}
        self.assertEqual(set(COMMANDS) - typed, {"close"})

    def test_wrong(self) -> None:
        for here, text, why in WRONG:
            self.assertIn(why, self.refusal(here, text))

    def test_usage(self) -> None:
        """Too few words are told before anything is done, with the usage line."""
        for command in COMMANDS.values():
            if command.least:
                words = " x" * (command.least - 1)
                said = self.refusal(LAB, f"/{command.name}{words}")
                self.assertEqual(said, f"Usage: {command.usage}")

    def test_with_a_person(self) -> None:
        self.assertEqual(done(QUERY, "/close"), (Close("bob"),))
        self.assertEqual(done(QUERY, "/whois"), ("WHOIS bob",))
        self.assertEqual(done(NOWHERE, "/clear"), (Clear(None),))

    def test_in_a_room_that_one_was_removed_from(self) -> None:
        removed = evolve(LAB, was_removed=lambda room: room == "#lab")
        for text in ("/close", "/part", "/part #lab bye"):
            self.assertEqual(done(removed, text), (Close("#lab"),))
        self.assertEqual(done(removed, "/part #b"), ("PART #b",))

    def test_a_selected_message_is_meant_where_it_is(self) -> None:
        self.assertEqual(done(SELECTED, "/reply yes"), (r"@+reply=m\:3 PRIVMSG carol yes",))
        tags = r"@+reply=m\:3;+draft/react=👍"
        self.assertEqual(done(SELECTED, "/react 👍"), (f"{tags} TAGMSG carol",))
        self.assertEqual(done(SELECTED, "/redact"), ("REDACT carol m;3",))

    def test_each_message_of_a_long_reply_is_one(self) -> None:
        text = "/reply one\ntwo"
        tagged = "@+reply=m1 PRIVMSG #lab"
        self.assertEqual(done(LAB, text), (f"{tagged} one", f"{tagged} two"))
        several = evolve(LAB, several=Multiline(1000, 10))
        [action] = interpret(several, text)
        assert isinstance(action, Send)
        self.assertEqual(action.message.params, ("#lab", "one\ntwo"))
        self.assertEqual(action.message.tags, {"+reply": "m1"})

    def test_several_lines(self) -> None:
        for text, expected in (
            ("one\n/etc/hosts\n", ["one\n/etc/hosts\n"]),
            ("//one\n/two", ["//one\n/two"]),
            ("/reply one\ntwo", ["/reply one\ntwo"]),
            ("/q bob one\ntwo", ["/q bob one\ntwo"]),
            ("/msg bob one\n/msg carol two", ["/msg bob one", "/msg carol two"]),
            ("/join #a\nhello", ["/join #a", "hello"]),
            ("/nope\nhello", ["/nope", "hello"]),
        ):
            self.assertEqual(entries(text), expected)

    def test_modes_at_once(self) -> None:
        """Modern IRC, "MODES parameter": without a value there is no limit."""
        nicks = " ".join("abcd")
        for tokens, lines in (({}, 2), ({"MODES": ""}, 1), ({"MODES": "20"}, 1)):
            here = evolve(LAB, isupport=Isupport(tokens))
            self.assertEqual(len(done(here, f"/voice {nicks}")), lines)
        here = evolve(LAB, isupport=Isupport({"MODES": ""}))
        self.assertEqual(len(done(here, "/voice" + 14 * " x")), 2)

    def test_bans_by_account_need_a_server_that_knows_them(self) -> None:
        here = evolve(LAB, isupport=Isupport({"EXTBAN": "$,a"}))
        self.assertEqual(done(here, "/ban bob"), ("MODE #lab +b bob!*@*",))

    def test_help_lists_every_command(self) -> None:
        texts = [action.text for action in interpret(LAB, "/help") if isinstance(action, Show)]
        for command in COMMANDS.values():
            told = [text for text in texts if text.startswith(f"{command.usage} ")]
            self.assertEqual(len(told), 1, command.usage)
            self.assertTrue(told[0].endswith(command.help))
        self.assertEqual(len(texts), len(COMMANDS) + len(SUBJECTS) + 1)

    def test_the_documentation_has_this_help(self) -> None:
        documented = (Path(__file__).parents[2] / "docs" / "console.md").read_text()
        lines = [
            f"    {action.text}\n" for action in interpret(LAB, "/help") if isinstance(action, Show)
        ]
        self.assertIn("".join(lines), documented)
        for alias in NAMES.keys() - COMMANDS.keys():
            self.assertIn(f"`/{alias}`", documented)

    def test_each_name_means_one_command(self) -> None:
        names = sum(1 + len(command.aliases) for command in COMMANDS.values())
        self.assertEqual(len(NAMES), names)
        self.assertEqual(len(COMMANDS), sum(len(subject.commands) for subject in SUBJECTS))
