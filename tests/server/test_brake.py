"""The brake alone, and with a flood from many clients over a slow database."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.network.ids import Timestamp
from chat.network.settings import Limits, Performance, Settings
from chat.network.state import Network
from chat.server.brake import Brake
from chat.server.factory import ChatFactory
from chat.server.hub import Hub
from chat.server.protocol import ChatProtocol
from chat.store.database import PooledConnection
from chat.store.log import EventLog
from tests.server.doubles import Gate, Tls, TLSTransport, certificate
from tests.store.databases import SQLiteCase, coroutine_test
from tests.support.world import FEATURES, OPEN


class Waiter:
    """A connection that notes when it goes on, and then may ask for more."""

    def __init__(self, name: str, order: list[str], then: Any = lambda self: None) -> None:
        self.machine = SimpleNamespace(go_on=self.go_on)
        self._name, self._order, self._then = name, order, then

    def go_on(self) -> None:
        self._order.append(self._name)
        self._then(self)


class BrakeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.brake = Brake(self.clock)
        self.order: list[str] = []

    def test_nobody_waits_without_need(self) -> None:
        self.assertFalse(self.brake.hold(Waiter("a", self.order)))
        self.brake.set_crowded(True)
        self.brake.set_crowded(False)
        self.assertFalse(self.brake.hold(Waiter("a", self.order)))
        self.assertEqual((self.brake.overloads, self.clock.getDelayedCalls()), (1, []))

    def test_in_order_some_in_each_turn(self) -> None:
        self.brake.set_crowded(True)
        names = [str(number) for number in range(2000)]
        for name in names:
            self.assertTrue(self.brake.hold(Waiter(name, self.order)))
        turns: list[int] = []
        call_later = self.clock.callLater

        def noting(*call: Any) -> object:
            turns.append(len(self.order))
            return call_later(*call)

        self.patch(self.clock, "callLater", noting)
        self.brake.set_crowded(False)
        self.assertEqual(self.order, [])
        self.clock.advance(0)
        self.assertEqual((self.order, turns), (names, list(range(0, 2000, 50))))

    def test_nobody_overtakes_those_who_wait(self) -> None:
        self.brake.set_crowded(True)
        self.brake.hold(Waiter("first", self.order))
        self.brake.set_crowded(False)
        self.assertTrue(self.brake.hold(Waiter("second", self.order)))
        self.clock.advance(0)
        self.assertEqual(self.order, ["first", "second"])

    def test_only_while_there_is_room_and_then_behind_the_others(self) -> None:
        def greedy(waiter: Waiter) -> None:
            self.assertFalse(self.brake.hold(waiter))
            self.brake.set_crowded(True)
            self.assertTrue(self.brake.hold(waiter))

        self.brake.set_crowded(True)
        for name in "abc":
            self.brake.hold(Waiter(name, self.order, greedy))
        for turn in range(1, 5):
            self.brake.set_crowded(False)
            self.clock.advance(0)
            self.assertEqual("".join(self.order), "abca"[:turn])


class FloodTests(SQLiteCase):
    CLIENTS, MESSAGES, QUEUE = 50, 150, 400

    def connect(self, number: int) -> ChatProtocol:
        protocol = self.factory.buildProtocol(SimpleNamespace(host="192.0.2.1"))
        assert protocol is not None
        protocol.makeConnection(TLSTransport(certificate()))
        self.addCleanup(protocol.connectionLost)
        protocol.handshakeCompleted()
        protocol.dataReceived(
            b"CAP REQ echo-message\r\nNICK c%d\r\nUSER c 0 * :x\r\nCAP END\r\n" % number
        )
        return protocol

    @coroutine_test
    async def test_the_queue_stays_bounded_and_all_that_is_echoed_is_stored(self) -> None:
        commit = PooledConnection.commit

        def slow(connection: PooledConnection) -> None:
            if connection._pool.writes:
                time.sleep(0.005)
            commit(connection)

        self.patch(PooledConnection, "commit", slow)
        database = await self.new_database()
        performance = Performance(queue=self.QUEUE, batch=100)
        log = EventLog(database, reactor, performance)
        self.addCleanup(log.drain, 5.0)
        limits = Limits(flood=False, half_open_per_address=99, recvq=20)
        settings = Settings("Net", "irc.test", "v", Timestamp(0), accounts=OPEN, limits=limits)
        hub = Hub(reactor, log, Network(), settings, FEATURES)
        log.crowded = hub.brake.set_crowded
        await log.subscribe(0, hub.apply)
        self.factory = ChatFactory(hub, Gate(), Tls())
        clients = [self.connect(number) for number in range(self.CLIENTS)]
        await self.until(lambda: len(hub.network.clients) == self.CLIENTS)
        left = {
            client: [b"PRIVMSG c%d :%d.%d\r\n" % (n, n, m) for m in range(self.MESSAGES)]
            for n, client in enumerate(clients)
        }
        most_held = 0

        def all_said() -> bool:
            """Send as TCP would: only where the server reads."""
            nonlocal most_held
            most_held = max(most_held, hub.brake.held)
            for client, lines in left.items():
                if lines and client.transport.producerState == "producing":
                    client.dataReceived(b"".join(lines[:30]))
                    del lines[:30]
            return not any(left.values()) and not hub.brake.held and not log.waiting

        await self.until(all_said)
        last = b".%d\r\n" % (self.MESSAGES - 1)
        await self.until(lambda: all(last in c.transport.value() for c in clients))
        self.assertGreater(most_held, 0)
        # Half of the queue, and what the one that crowded it had under way.
        self.assertLessEqual(log.figures().most_waiting, self.QUEUE // 2 + 1)
        stored = [e.event.text for e in await log.read(0, 100_000) if hasattr(e.event, "text")]
        for number, client in enumerate(clients):
            wanted = [f"{number}.{message}" for message in range(self.MESSAGES)]
            mine = [text for text in stored if text.startswith(f"{number}.")]
            self.assertEqual(mine, wanted)
            self.assertNotIn(b" 400 ", client.transport.value())
