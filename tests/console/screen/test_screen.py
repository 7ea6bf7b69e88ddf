"""What becomes of what happens on the networks of the full screen: kept, fetched, told, noticed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import TestCase

from chat.client import events as ev
from chat.console.archive import Archive
from chat.console.model.notifications import Notice
from chat.console.screen.screen import Screen
from chat.console.settings.keys import KEYS
from chat.console.settings.settings import Settings, read, settings_path
from chat.irc.message import parse
from tests.client.fake import until
from tests.console.fake_client import FakeClient

NOW = datetime(2026, 5, 1, 12, 34, tzinfo=UTC)


class Terminal:
    """The full screen with these networks, whose clients are in memory, before it is seen."""

    def __init__(self, case: ScreenTest, *names: str) -> None:
        self.screen = Screen(Settings(), KEYS, reactor, lambda: NOW)
        self.clients: dict[str, FakeClient] = {}
        self.archives: list[Archive] = []
        for name in names:
            client = self.clients[name] = FakeClient()
            archive = Archive.open(case.directory / f"{name}.sqlite", reactor, self.screen.complain)
            self.archives.append(archive)
            self.screen.add(name, archive, client.listen)  # type: ignore[arg-type]
        self.app = self.screen.open()
        self.model = self.screen.model
        self.client = self.clients[names[0]]
        self.notices: list[str] = []
        self.screen._notifier = self  # type: ignore[assignment]
        case.addCleanup(self.close)

    def give(self, notice: Notice, way: str) -> None:
        self.notices.append(notice.title)

    def close(self) -> Deferred[object]:
        for client in self.clients.values():
            if not client.closing.called:
                client.closing.callback(None)
        stopped = [console.stop() for console in self.screen._conversations]
        drawing = self.screen._drawing
        if drawing is not None and drawing.active():
            drawing.cancel()
        return stopped[0] if stopped else succeed(None)

    def receive(self, *lines: str, network: str = "") -> None:
        client = self.clients[network] if network else self.client
        for line in lines:
            for event in client.state.receive(parse(line.encode())):
                client.tell(event)

    def welcome(self, *rooms: str, network: str = "") -> None:
        client = self.clients[network] if network else self.client
        client.tell(ev.Registered("alice", "alice"))
        for room in rooms:
            self.receive(f":alice!u@h JOIN {room}", network=network)

    def said(self, text: str, msgid: str, minutes: int = 0, **what: object) -> None:
        time = NOW + timedelta(minutes=minutes)
        told = {"room": "#lab", "sender": "bob", "own": False, **what}
        self.client.tell(
            ev.Said(text=text, msgid=msgid, manner=ev.Manner.MESSAGE, time=time, **told)  # type: ignore[arg-type]
        )

    def titles(self) -> list[str]:
        return [buffer.title for buffer in self.model.buffers()]

    def go(self, title: str) -> None:
        [buffer] = [one for one in self.model.buffers() if one.title == title]
        self.model.go(buffer)

    def texts(self) -> list[str]:
        self.model.shown.scrollback.to_end()
        rows = self.model.shown.scrollback.rows(59, 500)
        texts = ["".join(piece.text for piece in row)[6:] for row in rows]
        return [text for text in texts if "──" not in text]


class ScreenTest(TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.patch_environment("XDG_CONFIG_HOME", str(self.directory / "config"))

    def patch_environment(self, name: str, value: str) -> None:
        import os

        self.patch(os, "environ", {**os.environ, name: value})

    async def again(self, terminal: Terminal) -> Terminal:
        """End the program, and start it once more."""
        await terminal.close()
        return Terminal(self, *terminal.clients)

    async def test_yesterday_is_there_at_once(self) -> None:
        first = Terminal(self, "home")
        first.welcome("#lab", "#left")
        first.said("hello", "1", -1500)
        first.said("yes", "2", -1499, reply_to="1")
        first.client.tell(ev.Reacted("#lab", "bob", "+1", "1", False, False, NOW))
        first.said("secret", "3", -1498)
        first.client.tell(ev.Redacted("#lab", "op", "3", "private", NOW))
        first.said("psst", "4", -1497, room="bob")
        first.said("over", "5", -1496, room="carol")
        first.receive(":alice!u@h PART #left")
        first.screen.enter("/pin #lab")
        first.screen.enter("/mute bob")
        first.go("carol")
        first.screen.enter("/close")

        second = await self.again(first)
        self.assertEqual(second.titles(), ["home", "#lab", "bob"])
        self.assertEqual(second.model.shown.title, "#lab")
        self.assertEqual(
            second.texts(),
            [
                "<bob> hello", "+1 bob", "╭ bob: hello", "<bob> yes",
                "<bob> [removed by op: private]",
            ],
        )  # fmt: skip
        lab, bob = second.model.buffers()[1:]
        self.assertEqual((lab.is_pinned, bob.is_muted), (True, True))
        # What comes again is told once.
        second.welcome()
        second.said("yes", "2", -1499)
        self.assertEqual(len(second.texts()), 5)

    async def test_our_name_before_the_first_connection(self) -> None:
        terminal = Terminal(self, "home")
        terminal.client.state = None  # type: ignore[assignment]
        self.assertEqual(terminal.model.network.nick, "alice")

    async def test_what_is_older_is_fetched_as_one_looks_for_it(self) -> None:
        """From the archive first, and behind its beginning from the server."""
        first = Terminal(self, "home")
        first.welcome("#lab")
        for number in range(300):
            first.said(f"m{number}", str(number), number - 1000)
        second = await self.again(first)
        shown = second.model.shown
        self.assertEqual(second.texts()[0], "<bob> m100")
        second.screen.drawn(wants_older=True)
        await until(reactor, lambda: not shown.is_loading)
        self.assertEqual(second.texts()[0], "<bob> m0")
        self.assertEqual(second.client.sent, [])
        second.screen.drawn(wants_older=True)
        await until(reactor, lambda: bool(second.client.sent))
        second.screen.drawn(wants_older=True)  # one request at a time
        self.assertEqual(second.client.sent, ["earlier #lab 0"])
        older = ev.Said(
            "#lab", "bob", "older", ev.Manner.MESSAGE, False, NOW - timedelta(days=2), msgid="x"
        )
        reacted = ev.Reacted("#lab", "al", "+1", "x", False, False)
        second.client.tell(ev.Earlier("#lab", (older, reacted), is_end=True))
        self.assertEqual(second.texts()[:3], ["<bob> older", "+1 al", "<bob> m0"])
        second.screen.drawn(wants_older=True)
        self.assertEqual(second.client.sent, ["earlier #lab 0"])
        # It is kept too.
        third = await self.again(second)
        third.screen.drawn(wants_older=True)
        await until(reactor, lambda: not third.model.shown.is_loading)
        self.assertEqual(third.texts()[0], "<bob> older")

    async def test_a_room_that_was_cleared_stays_so_until_one_scrolls(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab")
        terminal.said("hello", "1")
        terminal.screen.enter("/clear")
        terminal.screen.drawn(wants_older=True)
        self.assertEqual((terminal.texts(), terminal.client.sent), ([], []))
        terminal.screen.wants_older()
        terminal.screen.drawn(wants_older=True)
        self.assertEqual(terminal.client.sent, ["earlier #lab *"])

    async def test_what_is_seen_is_read(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab", "#other")
        terminal.said("hello", "1", 1)
        terminal.model.focus(is_focused=False)
        terminal.screen.drawn(wants_older=False)
        terminal.model.focus(is_focused=True)
        terminal.screen.drawn(wants_older=False)
        terminal.said("there?", "2", 2)
        terminal.screen.drawn(wants_older=False)
        await until(reactor, lambda: bool(terminal.client.sent))
        self.assertEqual(terminal.client.sent, ["read #lab 12:36"])
        again = await self.again(terminal)
        self.assertEqual([one.unread for one in again.model.buffers()], [0, 0, 0])

    async def test_what_is_new_begins_with_what_was_not_read(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab", "#other")
        terminal.go("#other")
        terminal.client.tell(ev.ReadUpTo("#lab", NOW))
        terminal.said("last", "3", 3)
        terminal.go("#lab")
        terminal.screen.drawn(wants_older=False)
        older = [
            ev.Said(
                "#lab",
                "bob",
                f"m{at}",
                ev.Manner.MESSAGE,
                False,
                NOW + timedelta(minutes=at),
                msgid=f"m{at}",
            )
            for at in (-1, 0, 1, 2)
        ]
        terminal.client.tell(ev.Earlier("#lab", tuple(older), is_end=False))
        scrollback = terminal.model.shown.scrollback
        assert scrollback.new_from is not None
        self.assertEqual(scrollback[scrollback.new_from], terminal.model.shown._messages["m1"])

    async def test_what_is_in_front_is_not_unread(self) -> None:
        first = Terminal(self, "home")
        first.welcome("#lab")
        first.said("old", "1", 1)
        first.said("new", "2", 2)
        again = await self.again(first)
        again.welcome("#lab")
        again.client.tell(ev.ReadUpTo("#lab", NOW + timedelta(minutes=1)))
        self.assertEqual(again.model.shown.unread, 1)
        again.screen.drawn(wants_older=False)
        self.assertEqual(again.model.shown.unread, 0)
        self.assertIsNotNone(again.model.shown.scrollback.new_from)

    async def test_search_and_go_to_what_is_found(self) -> None:
        first = Terminal(self, "home")
        first.welcome("#lab", "#other")
        first.said("the Straße", "1", -1000)
        for number in range(400):
            first.said(f"m{number}", f"m{number}", number - 900)
        second = await self.again(first)
        second.go("#other")
        offered: list[ev.Said] = []

        def offer(found: Iterable[ev.Said], title: object) -> Deferred[ev.Said | None]:
            offered.extend(found)
            return succeed(offered[0] if offered else None)

        self.patch(second.app, "offer", offer)
        self.patch(second.app, "reveal", lambda number: second.model.reveal(number, (59, 10)))
        second.screen.enter("/search strasse THE")
        await until(reactor, lambda: second.model.shown.title == "#lab")
        self.assertEqual([said.text for said in offered], ["the Straße"])
        chosen = second.model.shown.chosen()
        assert chosen is not None
        self.assertEqual(chosen.msgid, "1")
        offered.clear()
        second.screen.enter("/search nothing like it")
        await until(reactor, lambda: "-- nothing was found" in second.texts())
        found = ev.Said("#other", "bob", "there", ev.Manner.MESSAGE, False, NOW, msgid="o")
        second.client.tell(ev.Found((found,)))
        self.assertEqual(offered, [found])

    async def test_who_is_ignored(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab")
        terminal.screen.enter("/ignore Bob")
        terminal.said("rubbish", "1")
        terminal.receive(":bob!u@h INVITE alice #spam")
        self.assertEqual(terminal.texts()[1:], ["-- Bob is ignored"])
        again = await self.again(terminal)
        again.welcome("#lab")
        again.said("rubbish", "2")
        again.screen.enter("/ignore")
        again.screen.enter("/unignore bob")
        again.said("sorry", "3")
        self.assertEqual(
            again.texts()[-3:], ["-- ignored: bob", "-- bob is no longer ignored", "<bob> sorry"]
        )

    async def test_who_is_ignored_by_account(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab")
        terminal.receive(
            ":bob!u@h JOIN #lab",
            "@account=robert :bob!u@h PRIVMSG #lab :hello",
            # In no room with us: its account is known by what it says.
            "@account=bot :bot!u@h PRIVMSG alice :buy",
        )
        terminal.screen.enter("/ignore bob")
        terminal.screen.enter("/ignore Bot")
        terminal.receive(
            ":bob!u@h NICK bobby",
            "@account=Robert :bobby!u@h PRIVMSG #lab :rubbish",
            ":bobby!u@h INVITE alice #spam",
            "@account=bot :bot2!u@h PRIVMSG alice :rubbish",
        )
        self.assertEqual(terminal.titles(), ["home", "#lab", "bot"])
        again = await self.again(terminal)
        again.welcome("#lab")
        again.receive("@account=robert :bert!u@h PRIVMSG #lab :rubbish")
        again.screen.enter("/ignore")
        again.screen.enter("/unignore account:Robert")
        again.receive("@account=robert :bert!u@h PRIVMSG #lab :sorry")
        self.assertNotIn("rubbish", " ".join((*terminal.texts(), *again.texts())))
        self.assertEqual(
            again.texts()[-3:],
            [
                "-- ignored: account:bot account:robert bob bot",
                "-- account:Robert is no longer ignored",
                "<bert> sorry",
            ],
        )

    async def test_what_failed_is_sent_again(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab")
        terminal.said("shall we?", "1")
        terminal.client.sent.clear()
        terminal.screen.enter("/reply yes")
        terminal.client.tell(ev.NotSent("1", "#lab", "yes", "You are muted"))
        self.assertIn("not sent: You are muted", " ".join(terminal.texts()))
        terminal.screen.enter("/retry")
        self.assertEqual(terminal.client.sent.count("@+reply=1 PRIVMSG #lab yes"), 2)
        self.assertEqual(terminal.texts()[-1], "<alice> yes …")

    async def test_what_fails_elsewhere_is_told_where_one_is(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab")
        terminal.screen.enter("/msg nobody hi")
        terminal.client.tell(ev.NotSent("1", "nobody", "hi", "No such nick"))
        self.assertEqual(terminal.texts()[-1], "!! nobody: not sent: hi (No such nick)")
        terminal.go("nobody")
        self.assertIn("<alice> hi (not sent: No such nick", terminal.texts()[0])

    async def test_what_one_began_is_there_again(self) -> None:
        first = Terminal(self, "home")
        first.welcome("#lab")
        first.screen.enter("/msg bob hi")
        first.said("hi", "1", room="bob", sender="alice", own=True, name="1")
        second = await self.again(first)
        self.assertEqual(second.titles(), ["home", "#lab", "bob"])

    async def test_what_is_muted_or_pinned_is_told(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab")
        for line in ("/mute", "/unmute", "/pin", "/unpin"):
            terminal.screen.enter(line)
        self.assertEqual(
            terminal.texts()[-4:],
            [
                "-- #lab is muted: it is counted only", "-- #lab is heard again",
                "-- #lab is pinned", "-- #lab is no longer pinned",
            ],
        )  # fmt: skip

    async def test_what_waits_is_seen_behind_a_gap(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab")
        terminal.said("old", "1")
        terminal.client.tell(ev.Earlier("#lab", (), is_end=True))
        terminal.client.tell(ev.Disconnected("gone"))
        terminal.screen.enter("written meanwhile")
        terminal.client.tell(ev.Gap("#lab"))
        self.assertEqual(len(terminal.texts()), 1)
        self.assertIn("<alice> written meanwhile", terminal.texts()[0])
        # What is older is looked for again.
        terminal.screen.drawn(wants_older=True)
        await until(reactor, lambda: "earlier #lab *" in terminal.client.sent)

    async def test_settings(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab")
        for line in ("/set joins none", "/set highlight pump", "/set joins blue", "/set nope"):
            terminal.screen.enter(line)
        texts = " ".join(terminal.texts())
        self.assertIn("-- joins is none: ", texts)
        self.assertIn('!! joins: found "blue", wanted all, active or none', texts)
        self.assertIn("!! there is no setting nope", texts)
        self.assertEqual(read(settings_path()), Settings(joins="none", highlight=("pump",)))
        terminal.model.focus(is_focused=False)
        terminal.said("the pump is hot", "1")
        self.assertEqual(terminal.notices, ["securechat: bob mentions you in #lab"])

    async def test_several_networks(self) -> None:
        terminal = Terminal(self, "home", "work")
        terminal.welcome("#lab")
        terminal.welcome("#lab", network="work")
        self.assertEqual(terminal.titles(), ["home", "#lab", "work", "#lab"])
        self.assertEqual(terminal.model.network.name, "home")
        terminal.receive(":bob!u@h PRIVMSG #lab :hello, alice", network="work")
        self.assertEqual([one.mentions for one in terminal.model.buffers()], [0, 0, 0, 1])
        self.assertEqual(terminal.notices, ["securechat: bob mentions you in #lab (work)"])
        terminal.model.next_active()
        terminal.screen.enter("hi bob")
        sent = {name: client.sent for name, client in terminal.clients.items()}
        self.assertIn("PRIVMSG #lab :hi bob", sent["work"])
        self.assertEqual(sent["home"], [])
        terminal.model.back()
        self.assertEqual(terminal.model.network.name, "home")
        # One that goes away leaves the other as it is; leaving is for both.
        terminal.clients["work"].tell(ev.Disconnected("gone"))
        self.assertEqual([one.is_online for one in terminal.model.networks], [True, False])
        terminal.screen.enter("/quit bye")
        for client in terminal.clients.values():
            client.tell(ev.Answered("sent-1"))
        self.assertEqual([one.stopped for one in terminal.clients.values()], [["bye"], ["bye"]])

    async def test_what_is_typed_is_told_to_who_may_see_it(self) -> None:
        terminal = Terminal(self, "home")
        terminal.welcome("#lab")
        for text in ("h", "/msg", ""):
            terminal.screen.edited(text)
        terminal.screen.enter("/set typing off")
        terminal.screen.edited("more")
        self.assertEqual(
            terminal.client.sent, ["typing #lab True", "typing #lab False", "typing #lab False"]
        )
