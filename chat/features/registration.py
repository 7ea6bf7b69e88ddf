"""NICK and USER, the welcome that follows, and later changes of the nickname.

Source: Modern IRC, "Connection Registration", "NICK message", "USER message",
"Feature Advertisement".
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

from attrs import evolve

from chat.features import devices, isupport, lusers, metadata, motd, persistence, time
from chat.features.feature import (
    Audit,
    Close,
    Effects,
    Feature,
    FindAccount,
    Lines,
    Request,
    Update,
    Viewer,
)
from chat.irc.message import Message, first_word, truncate
from chat.irc.modes import ModeKind
from chat.irc.names import clean_username, is_nickname
from chat.irc.numerics import (
    ERR_ALREADYREGISTERED,
    ERR_ERRONEUSNICKNAME,
    ERR_NEEDMOREPARAMS,
    ERR_NICKNAMEINUSE,
    ERR_NONICKCHANGE,
    ERR_NONICKNAMEGIVEN,
    ERR_YOUREBANNEDCREEP,
    RPL_CREATED,
    RPL_MYINFO,
    RPL_WELCOME,
    RPL_YOURHOST,
)
from chat.irc.standard_replies import fail
from chat.network import bans, modes
from chat.network import devices as known_devices
from chat.network.changes import NicknameTaken, Welcomed
from chat.network.events import KeptSessionRegistered, NickChanged, SessionRegistered
from chat.network.records import Account
from chat.network.session import Phase, Session
from chat.network.settings import Settings

feature = Feature()


@feature.command("NICK", phases=(Phase.REGISTERING, Phase.REGISTERED))
def nick(request: Request) -> Effects:
    """NICK nickname: choose the name by which the others know you."""
    wanted = request.param(0)
    if not wanted:
        yield ERR_NONICKNAMEGIVEN()
        return
    settings = request.settings
    utf8 = settings.casemapping == "precis"
    if not is_nickname(wanted, settings.limits.nick_length, utf8=utf8):
        yield ERR_ERRONEUSNICKNAME(first_word(wanted))
        return
    follows_account = settings.accounts.nickname == "account"
    if request.session.phase is Phase.REGISTERING:
        session = evolve(request.session, nick=wanted)
        holder = request.network.client(wanted)
        is_guest = session.account is None and not session.negotiating
        if holder is not None and is_guest and not follows_account:
            yield ERR_NICKNAMEINUSE(wanted)
            yield Update(session)
            return
        yield Update(session)
        yield from complete(request, session)
        return
    client = request.client
    if wanted == client.nick:
        return
    if follows_account and client.account is not None:
        yield ERR_NONICKCHANGE()
    elif request.network.client(wanted) not in (None, client):
        yield ERR_NICKNAMEINUSE(wanted)
    elif (yield from _is_reserved(request, wanted, client.account)):
        yield ERR_NICKNAMEINUSE.because(wanted, text=_RESERVED)
    else:
        yield NickChanged(client.actor, wanted)


@feature.command("USER", phases=Phase)
def user(request: Request) -> Effects:
    """USER username 0 * :realname: say who you are, once, when you connect."""
    if request.session.phase is not Phase.REGISTERING or request.session.username is not None:
        yield ERR_ALREADYREGISTERED()
        return
    limits = request.settings.limits
    if len(request.params) < 4 or not request.params[3]:
        yield ERR_NEEDMOREPARAMS("USER")
        return
    # Clients send the login name, in which any character may be.
    username = clean_username(request.params[0], limits.user_length) or "user"
    realname = truncate(request.params[3], limits.realname_length)
    session = evolve(request.session, username=username, realname=realname)
    yield Update(session)
    yield from complete(request, session)


def complete(request: Request, session: Session) -> Effects:
    """Claim the nickname when nothing of the registration is missing."""
    if session.negotiating or session.nick is None or session.username is None:
        return
    removed = known_devices.refusal(request.network, session.peer.certificate, session.account)
    if removed is not None:
        yield Audit(f"refused: {removed}")
        yield fail("*", "DEVICE_REMOVED", text=f"{removed}: it needs a new certificate")
        yield Close(removed)
        return
    accounts = request.settings.accounts
    if session.account is None and accounts.login == "required":
        yield fail(
            "*",
            "ACCOUNT_REQUIRED",
            text="You must log in with SASL to use this network: turn SASL on in your client",
        )
        yield Close("You must log in with SASL")
        return
    if session.account is not None and (yield FindAccount(session.account)) is None:
        yield Close(f"The account {session.account} was removed")
        return
    subject = bans.Subject(
        f"{session.nick}!{session.username}@{session.peer.host}",
        session.peer.host,
        session.account,
        session.peer.fingerprint,
    )
    ban = bans.find(request.network.bans.values(), subject, request.now)
    if ban is not None:
        yield Audit(f"refused, for it is banned: {ban.name}")
        yield ERR_YOUREBANNEDCREEP.because(text=f"You are banned from this network: {ban.reason}")
        yield Close(f"Banned: {ban.reason}")
        return
    wanted = session.nick
    if session.account is not None and accounts.nickname == "account":
        wanted = session.account
    holder = request.network.kept_client(session.account)
    if holder is not None:
        wanted = holder.nick
    else:
        holder = request.network.client(wanted)
        if holder is not None and (holder.account is None or holder.account != session.account):
            yield Update(evolve(session, nick=None))
            yield ERR_NICKNAMEINUSE(wanted)
            return
        if (yield from _is_reserved(request, wanted, session.account)):
            yield Update(evolve(session, nick=None))
            yield ERR_NICKNAMEINUSE.because(wanted, text=_RESERVED)
            return
    yield Update(evolve(session, nick=wanted, phase=Phase.CLAIMING))
    yield from metadata.carry_over(request, session, wanted)
    is_kept = persistence.is_wanted(request, session.account) if holder is None else holder.is_kept
    kind = KeptSessionRegistered if is_kept else SessionRegistered
    yield kind(
        session.id,
        wanted,
        session.username,
        session.peer.host,
        session.realname,
        session.account,
        session.peer.certificate,
        session.away,
        session.role,
    )
    if session.account is not None:
        yield from devices.forget(request, session.account)


#: Why a nickname that nobody uses is not to be had.
_RESERVED = "Nickname is the name of an account: log in to it first"


def _is_reserved(
    request: Request, nick: str, account: str | None
) -> Generator[FindAccount, Account | None, bool]:
    """Return whether ``nick`` is the name of another's account: nobody may pose as its owner."""
    fold = request.network.fold
    if account is not None and fold(account) == fold(nick):
        return False
    return (yield FindAccount(nick)) is not None


@feature.renders(Welcomed)
def show_welcome(viewer: Viewer, fact: Welcomed) -> Lines:
    """Tell a new session all that it needs to know (001 to 005, LUSERS, MOTD)."""
    settings = viewer.settings
    yield RPL_WELCOME(network=settings.network, source=fact.client.source)
    yield RPL_YOURHOST(server=settings.server, version=settings.version)
    yield RPL_CREATED(created=time.utc(settings.started))
    with_argument = "".join(
        letter for letter, kind in modes.CHANNEL_MODES.items() if kind is not ModeKind.FLAG
    )
    yield RPL_MYINFO(
        settings.server,
        settings.version,
        "".join(sorted(modes.USER_MODES)),
        "".join(sorted(modes.CHANNEL_MODES)),
        "".join(sorted(with_argument)),
    )
    yield from isupport.lines(viewer.features, settings, viewer.capabilities)
    yield from persistence.welcome(viewer, fact.client)
    yield from lusers.counts(viewer.network)
    yield from metadata.welcome(viewer, fact.client)
    yield from motd.lines(settings)
    if fact.client.modes:
        yield Message(
            "MODE", (viewer.nick, "+" + "".join(sorted(fact.client.modes))), fact.client.source
        )


@feature.renders(NicknameTaken)
def show_taken(viewer: Viewer, fact: NicknameTaken) -> Lines:
    """Tell that somebody else was earlier."""
    yield ERR_NICKNAMEINUSE(fact.nick)


@feature.renders(NickChanged)
def show_nick(viewer: Viewer, event: NickChanged) -> Lines:
    """Tell the new nickname."""
    yield Message("NICK", (event.nick,), event.actor.source)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return what concerns the network as a whole."""
    limits = settings.limits
    return {
        "CASEMAPPING": settings.casemapping,
        "NETWORK": settings.network.replace(" ", r"\x20"),
        "NICKLEN": str(limits.nick_length),
        "USERLEN": str(limits.user_length),
        "UTF8ONLY": "",
    }
