"""One command for the server, with a client in memory."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import (
    Answered,
    DeviceInvited,
    Disconnected,
    PasswordWanted,
    Refused,
    Registered,
    Rejected,
    ServerNotice,
)
from chat.client.protocol import Listener
from chat.console.errand import PATIENCE, Errand, ErrandError
from chat.irc.message import Message
from tests.console.fake_client import FakeClient

INVITED = DeviceInvited("phone", "code", "Good until tomorrow")


class ErrandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.client = FakeClient()
        self.client.closing.callback(None)
        self.password: str | None = None

        def connect(listener: Listener) -> FakeClient:
            self.tell = listener
            return self.client

        def ask(account: str) -> Deferred[str | None]:
            return succeed(self.password)

        message = Message("DEVICES", ("INVITE", "phone"))
        self.errand = Errand(connect, message, ask, self.clock)  # type: ignore[arg-type]
        self.errand.start()

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def failure(self) -> str:
        return str(self.failureResultOf(self.errand.closed, ErrandError).value)

    def test_what_comes_between_is_the_answer(self) -> None:
        for event in (
            ServerNotice("the message of the day"),
            Registered("alice", "alice"),
            ServerNotice("what one was told meanwhile"),
            Answered("before"),
            INVITED,
            Answered("behind"),
        ):
            self.tell(event)
        self.assertEqual(self.client.sent, ["PING before", "DEVICES INVITE phone", "PING behind"])
        self.assertEqual(self.successResultOf(self.errand.closed), [INVITED])
        self.assertEqual(self.client.stopped, [None])

    def test_refused(self) -> None:
        self.tell(Registered("alice", "alice"))
        self.tell(Answered("before"))
        self.tell(Refused("CANNOT_SIGN", ("phone",), "This server cannot"))
        self.assertEqual(self.failure(), "This server cannot")

    def test_cut_off_behind_the_answer(self) -> None:
        """Who removes the device in use is answered first."""
        self.tell(Registered("alice", "alice"))
        self.tell(Answered("before"))
        self.tell(ServerNotice("removed"))
        self.tell(Disconnected("Device removed"))
        self.assertEqual(self.successResultOf(self.errand.closed), [ServerNotice("removed")])

    def test_no_connection(self) -> None:
        self.tell(Disconnected("nobody listens there"))
        self.assertIn("nobody listens there: check the address", self.failure())

    def test_rejected(self) -> None:
        self.tell(Rejected("your certificate is revoked", "ask"))
        self.assertEqual(self.failure(), "your certificate is revoked: ask")

    def test_password(self) -> None:
        self.password = "secret"
        self.tell(PasswordWanted("alice"))
        self.assertEqual(self.client.started, [None, "secret"])
        self.password = None
        self.tell(PasswordWanted("alice"))
        self.assertIn("give --password-file FILE", self.failure())

    def test_no_answer(self) -> None:
        self.tell(Registered("alice", "alice"))
        self.clock.advance(PATIENCE)
        self.assertIn("did not answer within 30 s", self.failure())

    def test_broken_off(self) -> None:
        stopped = self.errand.stop()
        self.assertEqual(self.failure(), "it was broken off")
        self.successResultOf(stopped)
