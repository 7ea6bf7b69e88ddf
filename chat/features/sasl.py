"""AUTHENTICATE: log in with a password (PLAIN, SCRAM-SHA-256) or the certificate alone (EXTERNAL).

Sources: IRCv3 sasl-3.1 and sasl-3.2; RFC 4616 (PLAIN); RFC 5802 and RFC 7677
(SCRAM-SHA-256); RFC 4422, appendix A (EXTERNAL).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from attrs import evolve

from chat.features import devices, persistence, scram
from chat.features.feature import (
    Audit,
    CheckPassword,
    Effect,
    Effects,
    Feature,
    FindAccount,
    Query,
    Request,
    Update,
)
from chat.irc import sasl
from chat.irc.message import Message
from chat.irc.numerics import (
    ERR_ALREADYREGISTERED,
    ERR_PASSWDMISMATCH,
    ERR_SASLABORTED,
    ERR_SASLALREADY,
    ERR_SASLFAIL,
    ERR_SASLTOOLONG,
    RPL_LOGGEDIN,
    RPL_SASLMECHS,
    RPL_SASLSUCCESS,
    Numeric,
)
from chat.network import devices as known_devices
from chat.network.events import AccountChanged
from chat.network.policy import RefusedError
from chat.network.records import Account
from chat.network.session import Phase, Session
from chat.network.settings import Settings

feature = Feature()

#: Characters of a whole response; more is refused.
_MAX_RESPONSE = 4096
_WRONG = "wrong account or password"


def mechanisms(settings: Settings, session: Session) -> tuple[str, ...]:
    """Return what this session may use; EXTERNAL needs an account in the certificate."""
    if settings.accounts.password == "optional" and session.peer.account is not None:  # noqa: S105
        return ("PLAIN", scram.MECHANISM, "EXTERNAL")
    return ("PLAIN", scram.MECHANISM)


feature.capability(
    "sasl",
    "https://ircv3.net/specs/extensions/sasl-3.2",
    lambda settings, session: ",".join(mechanisms(settings, session)),
)


@feature.command("AUTHENTICATE", parameters=1, phases=(Phase.REGISTERING, Phase.REGISTERED), cost=2)
def authenticate(request: Request) -> Effects:
    """AUTHENTICATE mechanism | data | *: log in to an account."""
    session, word = request.session, request.params[0]
    if session.account is not None and (
        request.settings.accounts.nickname == "account" or _is_kept(request)
    ):
        yield ERR_SASLALREADY()
    elif word == "*":
        yield Update(_idle(session))
        yield ERR_SASLABORTED()
    elif session.sasl_mechanism is None:
        offered = mechanisms(request.settings, session)
        if word.upper() not in offered:
            yield RPL_SASLMECHS(",".join(offered))
            yield ERR_SASLFAIL()
            return
        yield Update(evolve(session, sasl_mechanism=word.upper()))
        yield Message("AUTHENTICATE", ("+",))
    elif len(word) > sasl.CHUNK:
        yield Update(_idle(session))
        yield ERR_SASLTOOLONG()
    elif len(session.sasl_response) + len(word) > _MAX_RESPONSE:
        yield from _refuse(_idle(session), "", "the response is too long")
    else:
        response = session.sasl_response + (word if word != "+" else "")
        if len(word) == sasl.CHUNK:
            yield Update(evolve(session, sasl_response=response))
            return
        yield from _finish(request, session.sasl_mechanism, response)


def _is_kept(request: Request) -> bool:
    """Return whether the client stays, and so stays its account's."""
    return request.session.phase is Phase.REGISTERED and request.client.is_kept


def _finish(request: Request, mechanism: str, encoded: str) -> Effects:
    exchange, session = request.session.sasl_exchange, _idle(request.session)
    yield Update(session)
    try:
        response = sasl.decode(encoded)
        if mechanism == scram.MECHANISM:
            yield from _continue_scram(request, session, exchange, response.decode())
            return
        if mechanism == "PLAIN":
            authzid, name, password = sasl.parse_plain(response)
            query: Query = CheckPassword(name, password)
        else:
            authzid, name = response.decode(), session.peer.account or ""
            query = FindAccount(name)
    except (sasl.MalformedResponseError, scram.RefusedExchangeError, UnicodeDecodeError):
        yield ERR_SASLFAIL()
        return
    obstacle = _obstacle(request, name, authzid)
    if obstacle is not None:
        yield from _refuse(session, name, obstacle)
        return
    yield from _log_in(request, session, mechanism, name, query)


def _continue_scram(request: Request, session: Session, exchange: object, message: str) -> Effects:
    """Answer the client's first message, then its final one, then the empty one."""
    match exchange:
        case None:
            yield from _challenge(request, session, scram.parse_client_first(message))
        case scram.Exchange():
            yield from _check_proof(session, exchange, message)
        case scram.Proven(name) if not message:
            yield from _log_in(request, session, scram.MECHANISM, name, FindAccount(name))
        case _:
            yield ERR_SASLFAIL()


def _challenge(request: Request, session: Session, first: scram.ClientFirst) -> Effects:
    obstacle = _obstacle(request, first.account, first.authzid)
    if obstacle is not None:
        yield from _refuse(session, first.account, obstacle)
        return
    challenge = yield from _ask(first.account, scram.ScramKeys(first.account))
    exchange = scram.Exchange(first, challenge)
    yield from _answer_scram(session, exchange, exchange.server_first)


def _check_proof(session: Session, exchange: scram.Exchange, message: str) -> Effects:
    name = exchange.first.account
    try:
        final: str | None = exchange.server_final(message)
    except scram.RefusedExchangeError:
        final = None
    yield from _ask(name, scram.JudgeProof(name, final is not None))
    if final is None:
        yield from _refuse(session, name, _WRONG)
    else:
        yield from _answer_scram(session, scram.Proven(name), final)


def _answer_scram(session: Session, exchange: object, message: str) -> Effects:
    """Send ``message``; the client's response to it goes to ``exchange``."""
    yield Update(evolve(session, sasl_mechanism=scram.MECHANISM, sasl_exchange=exchange))
    for chunk in sasl.chunks(message.encode()):
        yield Message("AUTHENTICATE", (chunk,))


def _obstacle(request: Request, name: str, authzid: str = "") -> str | None:
    """Return why the session may not log in to ``name``, whatever it proves."""
    fold, owner = request.network.fold, request.session.peer.account
    if authzid and fold(authzid) != fold(name):
        return "it asked to act as another account"
    if request.settings.accounts.identity == "certificate" and (
        owner is None or fold(owner) != fold(name)
    ):
        return "the certificate belongs to another account"
    return known_devices.refusal(request.network, request.session.peer.certificate, name)


def _ask(name: str, query: Query) -> Generator[Effect, Any, Any]:
    try:
        return (yield query)
    except RefusedError:
        yield Audit(f"login as {name!r} refused: too many failed attempts")
        raise


def _log_in(request: Request, session: Session, mechanism: str, name: str, query: Query) -> Effects:
    """Log in to the account that ``query`` answers with."""
    account: Account | None = yield from _ask(name, query)
    if account is None:
        refusal = ERR_PASSWDMISMATCH if mechanism == "PASS" else ERR_SASLFAIL
        yield from _refuse(session, name, _WRONG, refusal)
        return
    session = evolve(session, account=account.name, role=account.role)
    yield Update(session)
    if mechanism != "PASS":
        yield RPL_LOGGEDIN(_source(request, session), account.name, account=account.name)
        yield RPL_SASLSUCCESS()
    yield Audit(f"logged in as {account.name} by {mechanism}")
    if session.phase is Phase.REGISTERED:
        yield AccountChanged(request.client.actor, account.name, account.role)
        yield from devices.forget(request, account.name)
        yield from persistence.logged_in(request, account)


@feature.command("PASS", parameters=1, phases=Phase, cost=2)
def pass_(request: Request) -> Effects:
    """PASS [account:]password: log in without SASL, to the certificate's account by default."""
    session = request.session
    if session.phase is not Phase.REGISTERING:
        yield ERR_ALREADYREGISTERED()
        return
    if session.account is not None:
        return
    owner = session.peer.account
    name, colon, password = request.params[0].partition(":")
    if not colon and owner is not None:
        name, password = owner, name
    obstacle = _obstacle(request, name)
    if obstacle is not None:
        yield from _refuse(session, name, obstacle, ERR_PASSWDMISMATCH)
        return
    yield from _log_in(request, session, "PASS", name, CheckPassword(name, password))


def _refuse(session: Session, name: str, reason: str, refusal: Numeric = ERR_SASLFAIL) -> Effects:
    yield Audit(f"login as {name!r} refused: {reason}")
    yield refusal.because(text=f"{refusal.text}: {reason}")


def _idle(session: Session) -> Session:
    return evolve(session, sasl_mechanism=None, sasl_response="", sasl_exchange=None)


def _source(request: Request, session: Session) -> str:
    if session.phase is Phase.REGISTERED:
        return request.client.source
    return f"{session.nick or '*'}!{session.username or '*'}@{session.peer.host}"
