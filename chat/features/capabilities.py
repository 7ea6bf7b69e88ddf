"""CAP: capability negotiation, and the capabilities that need no code of their own.

Source: IRCv3 capability-negotiation (version 302), cap-notify, standard-replies.
"""

from __future__ import annotations

from functools import lru_cache

from attrs import evolve

from chat.features.feature import Effects, Feature, Request, Update
from chat.features.registration import complete
from chat.irc.message import Message
from chat.irc.numerics import ERR_INVALIDCAPCMD
from chat.network.session import Phase, Session

feature = Feature()
feature.capability("cap-notify", "https://ircv3.net/specs/extensions/capability-negotiation")
feature.capability("standard-replies", "https://ircv3.net/specs/extensions/standard-replies")

#: Bytes of capabilities in one line, so that no nickname makes it too long.
_LINE = 400


@feature.command("CAP", parameters=1, phases=(Phase.REGISTERING, Phase.REGISTERED))
def cap(request: Request) -> Effects:
    """CAP LS [version] | LIST | REQ :capabilities | END: agree on what both sides can do."""
    session = request.session
    match request.params[0].upper():
        case "LS":
            version = request.param(1)
            number = max(session.cap_version, int(version) if version.isdecimal() else 0)
            capabilities = session.capabilities | ({"cap-notify"} if number >= 302 else set())
            session = _negotiating(session, capabilities, number)
            yield Update(session)
            offered = _offered(request, session)
            words = [
                f"{name}={value}" if value and number >= 302 else name
                for name, value in offered.items()
            ]
            yield from _listing(session, "LS", words, number)
        case "LIST":
            yield from _listing(session, "LIST", sorted(session.capabilities), session.cap_version)
        case "REQ":
            yield from _request(request)
        case "END":
            if session.phase is Phase.REGISTERING:
                session = evolve(session, negotiating=False)
                yield Update(session)
                yield from complete(request, session)
        case _:
            yield ERR_INVALIDCAPCMD(request.params[0])


def _request(request: Request) -> Effects:
    wanted = request.param(1)
    offered = _offered(request, request.session)
    capabilities = set(request.session.capabilities)
    answer = "ACK"
    for word in wanted.split():
        name = word.removeprefix("-")
        if name not in offered:
            answer = "NAK"
        elif word.startswith("-"):
            capabilities.discard(name)
        else:
            capabilities.add(name)
    if answer == "NAK":
        capabilities = set(request.session.capabilities)
    session = _negotiating(
        request.session, _shared(frozenset(capabilities)), request.session.cap_version
    )
    yield Update(session)
    yield _line(session, answer, wanted)


@lru_cache
def _shared(capabilities: frozenset[str]) -> frozenset[str]:
    """Return the same object for all who have the same: each delivery looks for its lines by it."""
    return capabilities


def _negotiating(session: Session, capabilities: frozenset[str], version: int) -> Session:
    return evolve(
        session,
        negotiating=session.phase is Phase.REGISTERING,
        capabilities=capabilities,
        cap_version=version,
    )


def _offered(request: Request, session: Session) -> dict[str, str]:
    return {
        name: value
        for name, capability in request.features.capabilities.items()
        if (value := capability.value(request.settings, session)) is not None
    }


def _listing(session: Session, subcommand: str, words: list[str], version: int) -> Effects:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if version < 302:
        lines = lines if len(lines) == 1 else [" ".join(lines)]
    for line in lines[:-1]:
        yield _line(session, subcommand, "*", line)
    yield _line(session, subcommand, lines[-1])


def _line(session: Session, *words: str) -> Message:
    return Message("CAP", (session.nick or "*", *words))
