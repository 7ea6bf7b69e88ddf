"""REGISTER: make an account over IRC, where registration is open.

Source: https://ircv3.net/specs/extensions/account-registration
"""

from __future__ import annotations

from attrs import evolve

from chat.features import persistence
from chat.features.feature import AddAccount, Audit, Effects, Feature, Request, Update
from chat.irc.message import Message, first_word
from chat.irc.names import is_account_name
from chat.irc.numerics import RPL_LOGGEDIN
from chat.irc.standard_replies import StandardReply, fail
from chat.network.events import AccountChanged
from chat.network.policy import RefusedError
from chat.network.records import Account
from chat.network.session import Phase, Session
from chat.network.settings import Settings

feature = Feature()

#: Characters of a password at the least.
_SHORTEST = 8


def _offered(settings: Settings, session: Session) -> str | None:
    if settings.accounts.registration != "open":
        return None
    early = ("before-connect",) if settings.accounts.registration_before_connect else ()
    return ",".join((*early, "custom-account-name"))


feature.capability(
    "draft/account-registration",
    "https://ircv3.net/specs/extensions/account-registration",
    _offered,
)


@feature.command("REGISTER", parameters=3, phases=(Phase.REGISTERING, Phase.REGISTERED), cost=10)
def register(request: Request) -> Effects:
    """REGISTER account|* email|* password: make an account, and log in to it."""
    session = request.session
    name, _, password = request.params[:3]
    registered = session.phase is Phase.REGISTERED
    nick = request.client.nick if registered else session.nick
    if name == "*":
        if nick is None:
            raise _refused("NEED_NICK", "*", "Send NICK first, or name the account")
        name = nick
    _check(request, name, password)
    account: Account | None = yield AddAccount(name, password)
    if account is None:
        raise _refused("ACCOUNT_EXISTS", name, "There is an account of that name")
    session = evolve(session, account=account.name, role=account.role)
    yield Update(session)
    yield Audit(f"registered the account {account.name}")
    server = request.settings.server
    yield Message("REGISTER", ("SUCCESS", account.name, "The account is made"), server)
    source = request.client.source if registered else f"{nick or '*'}!*@{session.peer.host}"
    yield RPL_LOGGEDIN(source, account.name, account=account.name)
    if registered:
        yield AccountChanged(request.client.actor, account.name, account.role)
        yield from persistence.logged_in(request, account)


def _check(request: Request, name: str, password: str) -> None:
    session, accounts = request.session, request.settings.accounts
    if accounts.registration != "open":
        raise _refused("TEMPORARILY_UNAVAILABLE", name, "Accounts are made by the administrator")
    if session.phase is Phase.REGISTERING and not accounts.registration_before_connect:
        raise _refused("COMPLETE_CONNECTION_REQUIRED", name, "Connect first, then register")
    if session.account is not None:
        raise _refused("ALREADY_AUTHENTICATED", name, "You are logged in already")
    if not is_account_name(name, request.settings.limits.nick_length):
        raise _refused("BAD_ACCOUNT_NAME", name, "Use a letter, then letters, digits, _ or -")
    holder = request.network.client(name)
    if holder is not None and holder.id != session.client:
        raise _refused("ACCOUNT_EXISTS", name, "Somebody uses that name as a nickname")
    owner = session.peer.account
    if accounts.identity == "certificate" and owner != name:
        raise _refused("BAD_ACCOUNT_NAME", name, "Your certificate is for another account")
    if len(password) < _SHORTEST:
        raise _refused("WEAK_PASSWORD", name, f"Choose {_SHORTEST} characters or more")


def _refused(code: str, name: str, text: str) -> RefusedError:
    reply: StandardReply = fail("REGISTER", code, first_word(name), text=text)
    return RefusedError(reply)
