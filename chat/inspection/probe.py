"""An inspection: several connections to one server, and the report that comes of them.

Blocking, with a deadline for each connection: it serves a command that does one thing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from attrs import evolve, frozen
from OpenSSL import SSL

from chat.inspection.attempt import Address, Result, attempt, make_context
from chat.inspection.chain import Link, UnreadableError, name_words, read_chain
from chat.inspection.failure import End, explain, refusal
from chat.inspection.messages import Said
from chat.inspection.report import (
    ClientCertificate,
    Finding,
    Handshake,
    Outcome,
    Parameters,
    Report,
)
from chat.inspection.target import Target
from chat.inspection.verdict import judge, remarks

#: What is offered to see which protocol a server chooses (RFC 7301).
ALPN = (b"irc", b"h2", b"http/1.1")
_VERSIONS = (("TLS 1.3", SSL.TLS1_3_VERSION), ("TLS 1.2", SSL.TLS1_2_VERSION))
_UNPROVEN = Finding(
    "unproven",
    "the handshake ended before the server proved that it has the key of its certificate",
    "see why it ended, below",
)


class UnreachableError(Exception):
    """No TCP connection can be made; the argument is a `Finding`."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def inspect(target: Target, timeout: float) -> Report:
    """Inspect a server; ``timeout`` is in seconds, for each connection.

    Looking the name up has no deadline of ours, the system has one.
    """
    host = f"[{target.host}]" if ":" in target.host else target.host
    report = Report(f"{host}:{target.port}", target.name, target.trust, Outcome.UNREACHABLE)
    try:
        address, milliseconds = _reach(target, timeout)
    except UnreachableError as error:
        return evolve(report, problems=(error.finding,))
    report = evolve(report, reached=str(address), tcp_milliseconds=milliseconds)
    tries: list[_Try] = []
    for name, version in _VERSIONS:
        tries += _tries(address, target, name, make_context(target, version), timeout)
        if tries[-1].row.failure is not None and tries[-1].row.failure.kind == "not-tls":
            break
    report = evolve(report, handshakes=tuple(one.row for one in tries))
    best = next((one for one in tries if one.result.certificates), None)
    if best is None or best.said is None:
        return evolve(report, outcome=Outcome.NO_HANDSHAKE, problems=_failures(report))
    version = dict(_VERSIONS)[best.row.version]
    report = evolve(
        report,
        client_certificate=_client_certificate(
            address, target, version, timeout, best.result, best.said
        ),
        alpn=_alpn(address, target, make_context(target, version), timeout, best.result),
    )
    try:
        links = read_chain(best.result.certificates, datetime.now(UTC))
    except UnreadableError as error:
        finding = Finding(
            "unreadable",
            f"a certificate of the server breaks the rules of its format: {error}",
            "ask who runs the server for a new certificate",
        )
        return evolve(report, outcome=Outcome.NOT_VERIFIED, problems=(finding,))
    return _with_verdict(report, target, links, best)


@frozen
class _Try:
    row: Handshake
    result: Result

    @property
    def said(self) -> Said | None:
        return self.result.said


def _reach(target: Target, timeout: float) -> tuple[Address, float]:
    """Return the first of the server's addresses that answers, and TCP's milliseconds."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreachableError(
            Finding("unknown-host", f"there is no address of {target.host}: {reason}",
                    "check the name, and that this computer can look names up")
        ) from error  # fmt: skip
    why: list[str] = []
    for family, _, _, _, sockaddr in found:
        address = Address(family, sockaddr)
        begun = time.monotonic()
        try:
            with address.make_socket() as plug:
                plug.settimeout(timeout)
                plug.connect(sockaddr)
        except ConnectionRefusedError:
            why.append(f"nobody listens at {address}")
        except TimeoutError:
            why.append(f"{address} does not answer within {timeout:g} s")
        except OSError as error:
            why.append(f"{address} cannot be reached: {error.strerror}")
        else:
            return address, round((time.monotonic() - begun) * 1000, 3)
    raise UnreachableError(
        Finding("unreachable", "; ".join(why), "check the address, and that the server runs")
    )


def _tries(
    address: Address, target: Target, version: str, context: SSL.Context, timeout: float
) -> Iterator[_Try]:
    """Yield a full handshake, and one that resumes it if that is possible at all."""
    full = attempt(address, target, context, timeout, listen=True)
    yield _Try(_row(version, False, full, timeout), full)
    if full.cost is None:
        return
    if full.session is None:
        missing = Finding(
            "no-ticket",
            "the server gives no ticket and keeps no session",
            "it costs a full handshake each time; a client needs to do nothing",
        )
        yield _Try(Handshake(version, True, missing), full)
        return
    again = attempt(address, target, context, timeout, session=full.session)
    row = _row(version, True, again, timeout)
    if row.failure is None and again.said is not None and not again.said.resumed:
        refused = Finding(
            "not-resumed", "the server offers to resume, and makes a full handshake all the same",
            "it costs a full handshake each time; a client needs to do nothing",
        )  # fmt: skip
        row = Handshake(version, True, refused)
    yield _Try(row, again)


def _row(version: str, resuming: bool, result: Result, timeout: float) -> Handshake:
    if result.cost is None or result.said is None:
        failure = explain(
            result.end or End.OURS, result.stream, result.transcript, result.reason, timeout
        )
        parameters = None
        if result.said is not None and result.certificates:
            parameters = _parameters(result.cipher, result.said)
        return Handshake(version, resuming, failure, parameters=parameters)
    cost = result.cost
    return Handshake(
        version,
        resuming,
        None,
        cost.round_trips_to_send,
        cost.round_trips_to_receive,
        cost.flights,
        cost.bytes_sent,
        cost.bytes_received,
        round(result.milliseconds, 3),
        _parameters(result.cipher, result.said),
    )


def _failures(report: Report) -> tuple[Finding, ...]:
    """Return why no handshake succeeded: once, or by version where the reasons differ."""
    found = {row.version: row.failure for row in report.handshakes if row.failure is not None}
    distinct = tuple(dict.fromkeys(found.values()))
    if len(distinct) == 1:
        return distinct
    return tuple(evolve(one, text=f"{version}: {one.text}") for version, one in found.items())


def _parameters(cipher: str, said: Said) -> Parameters:
    secret, why = _forward_secrecy(said)
    return Parameters(
        cipher=cipher,
        group=said.group,
        signature=said.signature,
        forward_secrecy=secret,
        forward_secrecy_reason=why,
        tickets=said.tickets,
        session_id=said.session_id,
        stapled_ocsp=said.stapled,
        hello_retry=said.retried,
        compression=said.compression,
        secure_renegotiation=said.secure_renegotiation,
        extended_master_secret=said.extended_master_secret,
    )


def _forward_secrecy(said: Said) -> tuple[bool, str]:
    if said.fresh_exchange:
        return True, f"{said.group} with new keys for this connection"
    if said.resumed:
        return False, "resumed without a new key exchange: who has the first secret has this one"
    return False, "RSA key exchange: who gets the server's key can read what was recorded"


def _client_certificate(
    address: Address, target: Target, version: int, timeout: float, result: Result, said: Said
) -> ClientCertificate:
    """Return what the server wants of a client, which takes a connection without any."""
    presents = said.asks_for_certificate and bool(target.certificates)
    without = None
    if presents:
        nobody = evolve(target, certificates=(), key=None)
        bare = attempt(address, nobody, make_context(nobody, version), timeout, listen=True)
        without = _answer(bare, bare.said or said)
    return ClientCertificate(
        asked=said.asks_for_certificate,
        authorities=tuple(map(name_words, result.authorities)),
        presented=name_words(target.certificates[0].subject) if presents else None,
        answer=_answer(result, said),
        answer_to_none=without,
    )


def _answer(result: Result, said: Said) -> str:
    """Return what the server does once it has seen what we present, or that it is nothing."""
    if result.transcript.alerts:
        return refusal(result.transcript.alerts[0]).text
    if result.cost is None:
        return "the server breaks the handshake off"
    if result.end in (End.CLOSED, End.RESET):
        return "the server closes the connection without a word"
    if not said.is_tls13 or said.tickets or result.transcript.application_data:
        return "the server goes on"
    # RFC 8446, 4.4.2.4: a refusal comes behind the handshake, when ours is complete.
    return "the server completes the handshake, and waits for us to speak"


def _alpn(
    address: Address, target: Target, context: SSL.Context, timeout: float, before: Result
) -> str | None:
    """Return what a server does with names of protocols, in a connection of its own."""
    if before.cost is None:
        return None
    offered = ", ".join(name.decode() for name in ALPN)
    result = attempt(address, target, context, timeout, alpn=ALPN)
    if result.cost is None:
        failure = explain(
            result.end or End.OURS, result.stream, result.transcript, result.reason, timeout
        )
        return f"offered {offered}: {failure.text}"
    if not result.alpn:
        return f"offered {offered}: the server chooses none"
    return f"offered {offered}: the server chooses {result.alpn.decode('ascii', 'replace')}"


def _with_verdict(report: Report, target: Target, links: tuple[Link, ...], best: _Try) -> Report:
    problems = judge(links, best.result.refusals, target.name, target.trust)
    if not best.result.proven:
        problems = (_UNPROVEN, *problems)
    return evolve(
        report,
        outcome=Outcome.NOT_VERIFIED if problems else Outcome.VERIFIED,
        problems=problems,
        notes=(*remarks(links), *_connection_remarks(report)),
        chain=tuple(link.words for link in links),
    )


def _connection_remarks(report: Report) -> Iterator[str]:
    for row in report.handshakes:
        parameters = row.parameters
        if parameters is None or row.resuming:
            continue
        if not parameters.forward_secrecy:
            yield f"{row.version} has no forward secrecy: {parameters.forward_secrecy_reason}."
        if parameters.hello_retry:
            yield (
                f"{row.version} takes one round trip more: the server asks for another key"
                " share (HelloRetryRequest)."
            )
        if parameters.secure_renegotiation is False:
            yield f"{row.version} is without RFC 5746: renegotiation can be hijacked."
        if parameters.compression:
            yield f"{row.version} compresses: secrets can be guessed from lengths (CRIME)."
