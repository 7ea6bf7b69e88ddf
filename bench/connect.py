"""What a connection costs: full handshakes, resumed ones, and a thousand clients at once."""

from __future__ import annotations

from typing import Any

import click

from bench import report
from bench.connector import Done, Order
from bench.networks import network, running
from bench.process import talking
from bench.rival import inspircd
from tests.support.servers import Home, Server, make_home

_TLS = """\
certificate = "keys/server.crt"
key = "keys/server.key"
authority = "keys/ca.crt"
revocations = "keys/revocations.pem"
resumption = true
"""
_HEADS = (
    *("server", "handshake", "connections", "a second", "p50 ms", "p99"),
    *("server CPU us/connection", "generator CPU us/connection"),
)


@click.command()
@click.option(
    "--connections", default=2000, show_default=True, help="How many, of each kind of handshake."
)
@click.option(
    "--clients", default=1000, show_default=True, help="How many come back after a restart."
)
@click.option(
    "--rival",
    type=click.Choice(["inspircd", "none"]),
    default="inspircd",
    show_default=True,
    help="A server that is offered the same handshakes; skipped where it is not installed.",
)
def connect(connections: int, clients: int, rival: str) -> None:
    """Full and resumed handshakes, and how soon all are back after a restart.

    TLS 1.3 with a client's certificate; each connection ends behind the server's first line, so
    the cost is that of the handshake, the session's beginning and its end.  All are of one address.
    Then clients connect, stay, and the server is killed and started: its keys for tickets are
    new, so there is nothing to resume.  The exit code is 1 when one of them was turned away, or
    when what should have resumed did not.
    """
    report.surroundings()
    rows: list[list[Any]] = []
    with network("sqlite", tls=_TLS) as stored:
        assert stored is not None
        with running(stored) as server:
            assert server.process is not None
            place = server.port, server.process.pid
            rows += _rows("securechat", stored.home, *place, connections)
    if rival == "inspircd":
        home = make_home()
        with inspircd(home) as theirs:
            if theirs is not None:
                rows += _rows(theirs.name, home, theirs.port, theirs.pid, connections)
    report.table("4 connections at a time", _HEADS, rows)
    _storm(clients)


def _rows(name: str, home: Home, port: int, pid: int, count: int) -> list[list[Any]]:
    rows = []
    for kind in ("full", "resumed"):
        with talking("bench.connector", _order(home, port, resuming=kind == "resumed")) as tell:
            tell(f"40 {pid}")
            done = Done(**tell(f"{count} {pid}"))
        if kind == "resumed" and not done.resumed:
            rows.append([name, kind, *("-",) * 6])
            continue
        if done.resumed != (count if kind == "resumed" else 0):
            raise click.ClickException(f"{name}: {done.resumed} of {count} {kind} ones resumed")
        cpu = (1e6 * done.server_cpu / count, 1e6 * done.own_cpu / count)
        rows.append([name, kind, count, count / done.seconds, done.p50, done.p99, *cpu])
    return rows


def _order(home: Home, port: int, *, resuming: bool = False, storm: int = 0) -> Order:
    device = home.device("alice")
    return Order(port, str(device.ca), str(device.pem), resuming, storm)


def _storm(clients: int) -> None:
    limits = (
        f"flood = false\nhalf_open_per_address = {clients}\nconnections_per_address = {clients}"
    )
    with network("sqlite", tls=_TLS, limits=limits) as stored:
        assert stored is not None
        with running(stored) as server:
            stored.home.configure(listen=f'tls = ["127.0.0.1:{server.port}"]')
            with talking(
                "bench.connector", _order(stored.home, server.port, storm=clients)
            ) as tell:
                rows = [_row("first", clients, Done(**tell(f"0 {_pid(server)}")))]
                server.kill()
                server.start()
                done = Done(**tell(f"0 {_pid(server)}"))
                rows.append(_row("after a restart", clients, done))
    heads = (
        "all at once",
        "clients",
        "all registered s",
        "p50 s",
        "turned away",
        "server CPU s",
        "generator CPU s",
    )
    report.table("A storm, from when the server is ready", heads, rows)
    if done.turned_away:
        raise click.ClickException(f"{done.turned_away} were turned away before they registered")


def _row(when: str, clients: int, done: Done) -> list[Any]:
    return [
        when,
        clients,
        done.seconds,
        done.p50 / 1000,
        done.turned_away,
        done.server_cpu,
        done.own_cpu,
    ]


def _pid(server: Server) -> int:
    assert server.process is not None
    return server.process.pid
