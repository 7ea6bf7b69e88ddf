"""End-to-end encryption: messages a second, and a new session for a whole room."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench.report import Table, surroundings
from chat.e2e.effects import Plain, Sending
from chat.irc.message import Message, serialize
from tests.e2e.network import Device, Network


@click.command("e2e")
@click.option(
    "--messages", default=2000, show_default=True, help="How many are encrypted and read."
)
@click.option("--devices", default=100, show_default=True, help="How many get a new session.")
def e2e(messages: int, devices: int) -> None:
    """Measure the client's encryption, with its store on this disk.

    One process, no network: what the engine of one device does for its lines.
    """
    click.echo(surroundings())
    with TemporaryDirectory() as directory:
        network = Network(Path(directory))
        alice, bob = network.device("alice/laptop"), network.device("bob/phone")
        network.room("#lab", "alice", "bob")
        network.say(alice, "#lab", "the first")
        rows = _messages(network, alice, bob, messages)
    with TemporaryDirectory() as directory:
        rows += _session(Network(Path(directory)), devices)
    click.echo(Table("End-to-end encryption", ("what", "measured"), rows))


def _messages(network: Network, alice: Device, bob: Device, messages: int) -> list[tuple[str, str]]:
    network.server.history.clear()
    bob.deaf_to = alice.deaf_to = {"PRIVMSG"}
    lines: list[Message] = []
    spent = 0.0
    for number in range(messages):
        begun = time.perf_counter()
        outcome = alice.engine.encrypt("#lab", "message", f"message {number} of ordinary length")
        spent += time.perf_counter() - begun
        assert isinstance(outcome, Sending)
        lines.extend(outcome.lines)
        for line in outcome.lines:
            network.server.take(alice, line)
        network.settle()
    read = 0
    reading = time.perf_counter()
    for line in network.server.history:
        read += isinstance(bob.engine.decrypt(line), Plain)
    bob.engine.commit()
    reading = time.perf_counter() - reading
    assert read == messages
    size = len(serialize(network.server.history[0]))
    return [
        ("encrypted, each on the disk, messages a second", f"{messages / spent:,.0f}"),
        ("decrypted, on the disk at the end, messages a second", f"{messages / reading:,.0f}"),
        ("a message of ordinary length on the wire", f"{size} bytes"),
    ]


def _session(network: Network, devices: int) -> list[tuple[str, str]]:
    alice = network.device("alice/laptop")
    crew = [network.device(f"crew{number}/d") for number in range(devices)]
    network.room("#lab", "alice", *(each.account for each in crew))
    begun = time.perf_counter()
    for _ in range(devices // 50 + 2):
        network.encrypt(alice, "#lab", "first contact")
        network.clock.advance(seconds=61)
        alice.do(alice.engine.tick())
        network.settle()
    contact = time.perf_counter() - begun
    network.clock.advance(hours=25)
    network.encrypt(alice, "#lab", "asks for the devices again")
    network.clock.advance(hours=23, minutes=50)
    network.room("#lab", "alice", *(each.account for each in crew[1:]))
    begun = time.perf_counter()
    outcome = alice.engine.encrypt("#lab", "message", "in a new session")
    spent = time.perf_counter() - begun
    assert isinstance(outcome, Sending)
    size = sum(len(serialize(each)) + 2 for each in outcome.lines[:-1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        (f"first contact with {devices} devices, all engines in one process", f"{contact:.1f} s"),
        (f"a new session for {len(outcome.lines) - 1} devices", f"{spent * 1000:,.0f} ms"),
        ("the same on the wire", f"{size:,} bytes"),
        ("memory of all engines", f"{peak:,.0f} MiB"),
    ]
