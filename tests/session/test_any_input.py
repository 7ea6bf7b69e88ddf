"""Whatever clients send: no exception, lines that fit, and a state that holds together."""

from __future__ import annotations

from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import MAX_BODY, parse
from chat.network.events import NodeStarted
from chat.network.ids import Timestamp
from chat.network.records import KeptClient
from chat.network.state import Network
from tests.support.world import FEATURES, World

NICKS = ("alice", "bob", "carol")
_words = st.one_of(
    st.sampled_from(
        [
            "#room", "#other", "#new", "*", "+o", "-o", "+k", "+b", "+lk-t", "+i", "b", "0", "5",
            "+qahv", "*!*@*", "a:alice", "m:x", "LS", "REQ", "302", "LATEST", "TARGETS", "10", "+",
            "msgid=x", "timestamp=2023-11-14T22:13:20.000Z", "1h", "%tcuihsnfdlaor,7", ">1", "C<5",
            "GET", "SET", "ON", "OFF", "+J",
            "#a,#room,bob", "bob,alice", "a/b", "root", "sesame", "PLAIN", "", ",", ":",
            *NICKS,
        ]
    ),
    st.text(max_size=20),
)  # fmt: skip
_COMMANDS = sorted(set(FEATURES.commands) - {"QUIT", "KILL", "KLINE", "DLINE", "RESTART"})


@st.composite
def _lines(draw: st.DrawFn) -> str:
    command = draw(st.sampled_from(_COMMANDS) | st.text(max_size=10))
    params = draw(st.lists(_words, max_size=4))
    tags = draw(st.sampled_from(["", "@label=x ", "@+a=b;c ", "@ ", "@+typing=active;label=y "]))
    middle = " ".join([command, *params])
    return tags + middle if draw(st.booleans()) else f"{tags}{middle} :{draw(_words)}"


def _kept(network: Network) -> list[KeptClient]:
    """Return what a restart leaves of clients, but for when they were seen."""
    return [evolve(client.record(), seen=Timestamp(0)) for client in network.kept.values()]


class AnyInputTests(SynchronousTestCase):
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.integers(0, 2), _lines()), max_size=60))
    def test_invariants(self, steps: list[tuple[int, str]]) -> None:
        world = World()
        world.add_account("alice")
        capabilities = " ".join(sorted(set(FEATURES.capabilities) - {"sasl"}))
        clients = [
            world.client("alice", capabilities, account="alice"),
            world.client("bob", "batch labeled-response"),
            world.client("carol"),
        ]
        for client in clients:
            client.exchange("JOIN #room")
        for number, line in steps:
            clients[number].send(line)
            for client in clients:
                self._check_lines(client.lines())
            self._check_state(world.network)
        replayed = Network()
        for entry in world.log.stored:
            replayed.apply(entry)
        restart = world.hub.stamp(NodeStarted("irc.test"))
        for network in (world.network, replayed):
            network.apply(restart)
            self.assertEqual(list(network.clients.values()), list(network.kept.values()))
        self.assertEqual(_kept(replayed), _kept(world.network))

    def _check_lines(self, lines: list[str]) -> None:
        for line in lines:
            body = line.partition(" ")[2] if line.startswith("@") else line
            self.assertLessEqual(len(body.encode()), MAX_BODY - 2)
            self.assertTrue(parse(line.encode()).command)

    def _check_state(self, network: Network) -> None:
        for name, channel in network.channels.items():
            self.assertEqual(name, network.fold(channel.name))
            self.assertTrue(channel.members or channel.is_permanent)
            for member in channel.members:
                self.assertIs(member.channels[name], channel)
        for client in network.clients.values():
            self.assertTrue(client.sessions)
            self.assertIs(network.client(client.nick), client)
            for name, channel in client.channels.items():
                self.assertIs(network.channels[name], channel)
                self.assertIn(client, channel.members)
        for session, client in network.sessions.items():
            self.assertIn(session, client.sessions)
