"""A report for people: in colour on a terminal, as wide as that, 80 columns elsewhere.

What a server sent is shown without control and direction characters, and never taken
for markup.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chat.inspection.report import (
    Certificate,
    ClientCertificate,
    Finding,
    Handshake,
    Outcome,
    Parameters,
    Report,
)

_VERDICTS = {
    Outcome.VERIFIED: ("VERIFIED", "bold green"),
    Outcome.NOT_VERIFIED: ("NOT VERIFIED", "bold red"),
    Outcome.NO_HANDSHAKE: ("NO HANDSHAKE", "bold red"),
    Outcome.UNREACHABLE: ("UNREACHABLE", "bold red"),
}
_LABEL = 12
_LEGEND = (
    "Trips are round trips of TLS: until our first byte of the application may be sent, and"
    " until the server's first one may be here."
)
#: Under so many days the end of a certificate is shown in yellow.
_SOON = 14


def show(report: Report, console: Console) -> None:
    """Print the report."""
    _heading(console, report)
    for number, certificate in enumerate(report.chain, 1):
        role = "the server's own" if number == 1 else "an authority"
        _section(console, f"Certificate {number} of {len(report.chain)}: {role}")
        _pairs(console, _certificate(certificate))
    for row in report.handshakes:
        if row.parameters is not None and not row.resuming:
            _section(console, f"Connection with {row.version}")
            _pairs(console, _parameters(row.parameters))
    if report.client_certificate is not None:
        _section(console, "Client certificate")
        _pairs(console, _client_certificate(report.client_certificate))
    if report.alpn is not None:
        _section(console, "ALPN")
        _line(console, report.alpn)
    if report.handshakes:
        _section(console, "Handshakes")
        _handshakes(console, report)
    if report.notes:
        _section(console, "Notes")
        for note in report.notes:
            _line(console, note)


def printable(text: str) -> str:
    """Return ``text`` with what a terminal would act on written as an escape sequence."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def _heading(console: Console, report: Report) -> None:
    word, style = _VERDICTS[report.outcome]
    place = report.target if report.reached is None else f"{report.target} at {report.reached}"
    console.print(Text.assemble((word, style), f"  {printable(place)}"))
    if report.chain:
        _line(console, f"as {report.name}, against {report.trust}")
    for problem in report.problems:
        _problem(console, problem)


def _problem(console: Console, problem: Finding) -> None:
    text = Text.assemble((problem.kind, "red"), ": ", printable(problem.text))
    console.print(Padding(text, (0, 0, 0, 2), expand=False))
    console.print(Padding(Text(f"-> {printable(problem.remedy)}"), (0, 0, 0, 4), expand=False))


def _section(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, "bold"))


def _line(console: Console, text: str) -> None:
    console.print(Padding(Text(printable(text)), (0, 0, 0, 2), expand=False))


def _pairs(console: Console, pairs: Iterable[tuple[str, str | Text]]) -> None:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=_LABEL, no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for label, value in pairs:
        table.add_row(label, value if isinstance(value, Text) else Text(printable(value)))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def _certificate(certificate: Certificate) -> Iterable[tuple[str, str | Text]]:
    yield "subject", certificate.subject
    yield "issuer", certificate.issuer
    yield "names", ", ".join(certificate.names) or "none"
    yield "valid from", f"{certificate.valid_from:%Y-%m-%d %H:%M} UTC"
    yield "valid until", _until(certificate)
    yield "key", certificate.key
    yield "signature", certificate.signature
    yield "authority", _authority(certificate)
    yield "key usage", ", ".join(certificate.key_usage) or "not said"
    yield "extended use", ", ".join(certificate.extended_key_usage) or "not said"
    if certificate.matches_next is not None:
        matches = "is" if certificate.matches_next else "IS NOT"
        yield "issuer's key", f"{matches} that of the next certificate (AKI and SKI)"
    yield "serial", certificate.serial
    yield "SHA-256", certificate.sha256


def _until(certificate: Certificate) -> Text:
    days = certificate.days_left
    left = f"{days} days left" if days >= 0 else "EXPIRED"
    style = "red" if days < 0 else "yellow" if days < _SOON else "green"
    return Text.assemble(f"{certificate.valid_until:%Y-%m-%d %H:%M} UTC, ", (left, style))


def _authority(certificate: Certificate) -> str:
    if not certificate.is_authority:
        return "no"
    if certificate.path_length is None:
        return "yes, any number of authorities below it"
    return f"yes, {certificate.path_length} authorities below it (path length)"


def _parameters(parameters: Parameters) -> Iterable[tuple[str, str]]:
    yield "cipher", parameters.cipher
    yield "key exchange", parameters.group or "RSA: with the certificate's key"
    yield "signature", parameters.signature or "none"
    no = "" if parameters.forward_secrecy else "NO "
    yield "secrecy", f"{no}forward secrecy: {parameters.forward_secrecy_reason}"
    yield "resumption", _resumption(parameters)
    yield "OCSP", "stapled" if parameters.stapled_ocsp else "not stapled"
    if parameters.secure_renegotiation is not None:
        safe = "signalled as safe" if parameters.secure_renegotiation else "NOT SAFE"
        yield "renegotiate", f"{safe} (RFC 5746)"
    if parameters.compression is not None:
        yield "compression", "YES" if parameters.compression else "none"
    if parameters.extended_master_secret is not None:
        bound = "yes" if parameters.extended_master_secret else "NO"
        yield "bound keys", f"{bound} (extended master secret, RFC 7627)"


def _resumption(parameters: Parameters) -> str:
    if not parameters.tickets:
        return "by session id" if parameters.session_id else "none: no ticket"
    number = len(parameters.tickets)
    lifetime = max(ticket.lifetime for ticket in parameters.tickets)
    early = max(ticket.early_data for ticket in parameters.tickets)
    data = f"early data up to {early} bytes" if early else "no early data"
    return f"{number} ticket{'s' * (number > 1)}, for {lifetime} s, {data}"


def _client_certificate(client: ClientCertificate) -> Iterable[tuple[str, str]]:
    if not client.asked:
        yield "asked for", "no"
        return
    yield "asked for", "yes"
    yield "authorities", "; ".join(client.authorities) or "none named: any may do"
    yield "presented", client.presented or "none"
    yield "answer", client.answer
    if client.answer_to_none is not None:
        yield "without one", client.answer_to_none


def _handshakes(console: Console, report: Report) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("")
    for title in (
        "trips\nto send",
        "trips to\nreceive",
        "flights",
        "bytes\nout",
        "bytes\nin",
        "ms",
    ):
        table.add_column(title, justify="right", vertical="bottom")
    failures = []
    for row in report.handshakes:
        name = f"{row.version} {'resumed' if row.resuming else 'full'}"
        if row.failure is not None:
            table.add_row(name, *["-"] * 6)
            failures.append((name, row.failure))
        else:
            table.add_row(name, *_numbers(row))
    if report.tcp_milliseconds is not None:
        table.add_row("TCP, before each", "1", "1", *[""] * 3, f"{report.tcp_milliseconds:.1f}")
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    for name, failure in failures:
        _line(console, f"{name}: {failure.text}")
    if len(failures) < len(report.handshakes):
        _line(console, _LEGEND)


def _numbers(row: Handshake) -> list[str]:
    numbers = (
        row.round_trips_to_send,
        row.round_trips_to_receive,
        row.flights,
        row.bytes_sent,
        row.bytes_received,
    )
    return [*map(str, numbers), f"{row.milliseconds:.1f}"]
