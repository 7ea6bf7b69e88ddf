"""AUTHENTICATE: log in with a password (PLAIN) or with the certificate alone (EXTERNAL).

Sources: IRCv3 sasl-3.1 and sasl-3.2; RFC 4616 (PLAIN); RFC 4422, appendix A (EXTERNAL).
"""

from __future__ import annotations

from attrs import evolve

from chat.features.feature import (
    Audit,
    CheckPassword,
    Effects,
    Feature,
    FindAccount,
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
from chat.network.events import AccountChanged
from chat.network.policy import RefusedError
from chat.network.records import Account
from chat.network.session import Phase, Session
from chat.network.settings import Settings

feature = Feature()

#: Characters of a whole response; more is refused.
_MAX_RESPONSE = 4096


def mechanisms(settings: Settings, session: Session) -> tuple[str, ...]:
    """Return what this session may use; EXTERNAL needs an account in the certificate."""
    if settings.accounts.password == "optional" and session.peer.account is not None:  # noqa: S105
        return ("PLAIN", "EXTERNAL")
    return ("PLAIN",)


feature.capability(
    "sasl",
    "https://ircv3.net/specs/extensions/sasl-3.2",
    lambda settings, session: ",".join(mechanisms(settings, session)),
)


@feature.command("AUTHENTICATE", parameters=1, phases=(Phase.REGISTERING, Phase.REGISTERED), cost=2)
def authenticate(request: Request) -> Effects:
    """AUTHENTICATE mechanism | data | *: log in to an account."""
    session, word = request.session, request.params[0]
    if session.account is not None and request.settings.accounts.nickname == "account":
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


def _finish(request: Request, mechanism: str, encoded: str) -> Effects:
    session = _idle(request.session)
    yield Update(session)
    try:
        response = sasl.decode(encoded)
        if mechanism == "PLAIN":
            authzid, name, password = sasl.parse_plain(response)
        else:
            authzid, name, password = response.decode(), session.peer.account or "", ""
    except (sasl.MalformedResponseError, UnicodeDecodeError):
        yield ERR_SASLFAIL()
        return
    if authzid and request.network.fold(authzid) != request.network.fold(name):
        yield from _refuse(session, name, "it asked to act as another account")
        return
    yield from _log_in(request, session, mechanism, name, password)


def _log_in(
    request: Request, session: Session, mechanism: str, name: str, password: str
) -> Effects:
    fold = request.network.fold
    refusal = ERR_PASSWDMISMATCH if mechanism == "PASS" else ERR_SASLFAIL
    owner = session.peer.account
    if request.settings.accounts.identity == "certificate" and (
        owner is None or fold(owner) != fold(name)
    ):
        yield from _refuse(session, name, "the certificate belongs to another account", refusal)
        return
    try:
        account: Account | None = yield (
            FindAccount(name) if mechanism == "EXTERNAL" else CheckPassword(name, password)
        )
    except RefusedError:
        yield Audit(f"login as {name!r} refused: too many failed attempts")
        raise
    if account is None:
        yield from _refuse(session, name, "wrong account or password", refusal)
        return
    session = evolve(session, account=account.name, role=account.role)
    yield Update(session)
    if mechanism != "PASS":
        yield RPL_LOGGEDIN(_source(request, session), account.name, account=account.name)
        yield RPL_SASLSUCCESS()
    yield Audit(f"logged in as {account.name} by {mechanism}")
    if session.phase is Phase.REGISTERED:
        yield AccountChanged(request.client.actor, account.name, account.role)


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
    yield from _log_in(request, session, "PASS", name, password)


def _refuse(session: Session, name: str, reason: str, refusal: Numeric = ERR_SASLFAIL) -> Effects:
    yield Audit(f"login as {name!r} refused: {reason}")
    yield refusal.because(text=f"{refusal.text}: {reason}")


def _idle(session: Session) -> Session:
    return evolve(session, sasl_mechanism=None, sasl_response="")


def _source(request: Request, session: Session) -> str:
    if session.phase is Phase.REGISTERED:
        return request.client.source
    return f"{session.nick or '*'}!{session.username or '*'}@{session.peer.host}"
