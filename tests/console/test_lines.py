"""Events as lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from twisted.trial.unittest import SynchronousTestCase

from chat.client import events as ev
from chat.console.lines import colour_of, lines_of

NOW = datetime(2026, 5, 1, 12, 34, tzinfo=timezone(timedelta(hours=2)))
MESSAGE = ev.Manner.MESSAGE


def plain(event: ev.ClientEvent) -> list[str]:
    return [line.plain() for line in lines_of(event, NOW)]


class LineTest(SynchronousTestCase):
    def test_said(self) -> None:
        said = ev.Said("#lab", "bob", "hi", MESSAGE, False)
        self.assertEqual(plain(said), ["12:34 #lab <bob> hi"])
        sent = datetime(2026, 5, 1, 6, 7, tzinfo=UTC)
        said = ev.Said("bob", "alice", "waves", ev.Manner.ACTION, True, sent)
        self.assertEqual(plain(said), ["08:07 bob * alice waves"])

    def test_everything_else(self) -> None:
        for event, text in (
            (ev.JoinedRoom("#lab", "bob", False), "#lab -- bob has joined"),
            (ev.LeftRoom("#lab", "bob", False, "bye"), "#lab -- bob has left (bye)"),
            (ev.LeftRoom("#lab", "bob", False, "", "al"), "#lab -- bob was removed by al"),
            (ev.LeftNetwork("bob", ("#a", "#b"), ""), "#a,#b -- bob has quit"),
            (ev.Renamed("bob", "rob", False), "-- bob is now rob"),
            (ev.TopicIs("#lab", "x", "bob"), "#lab -- bob changed the topic to: x"),
            (ev.TopicIs("#lab", ""), "#lab -- there is no topic"),
            (ev.Names("#lab", ("@bob", "al")), "#lab -- here are @bob al"),
            (ev.ModesChanged("#lab", "bob", "+o al"), "#lab -- bob set modes +o al"),
            (ev.WhoisLine("bob", "is away"), "-- bob is away"),
            (ev.RoomListed("#lab", "3", "x"), "#lab -- 3 there: x"),
            (ev.Refused("404", ("#lab",), "No"), "!! #lab: No"),
            (ev.Registered("al", None), "-- welcome: you are al, not logged in"),
            (ev.Disconnected("gone"), "!! disconnected: gone"),
            (ev.CertificateRenewed(NOW), "-- your certificate is renewed until 2026-05-01"),
            (
                ev.CertificateEnds(NOW.astimezone(UTC), "nobody there"),
                "!! your certificate ends on 2026-05-01 10:34 UTC, and was not renewed (nobody"
                " there): ask for an invitation (securechat invite NAME) and run securechat join",
            ),
            (ev.Retrying(2.2), "-- trying again in 2 s"),
            (
                ev.Reacted("#lab", "bob", "+1", "m", False, False, None, "hello\nyou"),
                '#lab -- bob reacts to "hello…": +1',
            ),
            (
                ev.Reacted("#lab", "bob", "+1", "m", True, False),
                "#lab -- bob takes back +1 from a message",
            ),
            (
                ev.Redacted("#lab", "al", "m", "too loud", None, "bob"),
                "#lab -- bob's message was removed: too loud",
            ),
            (ev.Redacted("#lab", "al", "m", ""), "#lab -- a message was removed"),
            (ev.AwayChanged("al", True, True), "-- you are away now"),
            (ev.AwayChanged("al", False, True), "-- you are no longer away"),
            (ev.AccountChanged("bob", "rob", False), "-- bob is logged in as rob"),
            (ev.AccountChanged("bob", None, False), "-- bob is logged out"),
            (ev.RealnameChanged("bob", "Bob B"), "-- bob is called Bob B"),
            (ev.Gap("#lab"), "#lab -- more was said here than is shown"),
            (ev.Waiting("n", "#lab", "hi", MESSAGE, True), "#lab -- waits for the connection: hi"),
            (ev.NotSent("n", "#lab", "hi", "No"), "#lab !! not sent: hi (No)"),
            (ev.SentAgain(2), "-- 2 messages were not answered: they are sent again"),
            (ev.MayBeLost(2), "!! The last 2 lines may not have arrived"),
        ):
            self.assertEqual(plain(event), [f"12:34 {text}"])
        for event in (
            ev.Answered("x"),
            ev.Writable(True),
            ev.Typing("#lab", "bob", 6.0),
            ev.Waiting("n", "#lab", "hi", MESSAGE, False),
            ev.Earlier("#lab", (), True),
            ev.ReadUpTo("#lab", NOW),
            ev.AwayChanged("bob", True, False, "lunch"),
        ):
            self.assertEqual(plain(event), [])

    def test_each_line_of_a_message_has_its_speaker(self) -> None:
        event = ev.Said("#lab", "bob", "one\ntwo", MESSAGE, False)
        self.assertEqual(plain(event), ["12:34 #lab <bob> one", "12:34 #lab <bob> two"])

    def test_who_is_on_the_other_side(self) -> None:
        server, own = NOW + timedelta(days=89.5), NOW + timedelta(days=2.5)
        event = ev.Secured("there:1", "chat.test", "TLSv1.3", "AES", server, own)
        address, theirs, ours = plain(event)
        self.assertIn("there:1: chat.test, TLSv1.3, AES", address)
        self.assertIn("server's certificate is valid for 89 more days (until 2026-07-30)", theirs)
        self.assertIn("your certificate is valid for 2 more days", ours)

    def test_server_text_is_no_terminal_control(self) -> None:
        hostile = "\x1b]0;title\x07\x1b[2J\x9b31m\x02bold\x0304,05red\u202eevil\r\nline"
        for event in (
            ev.Said("#l\x1bab", "b\x1bob", hostile, MESSAGE, False),
            ev.ServerNotice(hostile),
            ev.TopicIs("#lab", hostile, hostile),
            ev.Refused("404", (hostile,), hostile),
        ):
            for line in lines_of(event, NOW):
                self.assertTrue(line.plain().isprintable(), line)

    def test_colours_are_stable(self) -> None:
        self.assertEqual(colour_of("Alice", 12), colour_of("alice", 12))
        self.assertGreater(len({colour_of(f"nick{n}", 12) for n in range(100)}), 8)
