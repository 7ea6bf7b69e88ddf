"""PERSISTENCE: whether one stays on the network with no device connected.

Source: draft/persistence, https://github.com/ircv3/ircv3-specifications/pull/503, as Ergo
answers it.
"""

from __future__ import annotations

from attrs import evolve

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message
from chat.irc.standard_replies import fail
from chat.network.entities import ABSENT, Client
from chat.network.events import ClientKept, ClientReleased, PersistenceChanged
from chat.network.policy import RefusedError, keeps_client
from chat.network.records import Account
from chat.network.settings import Settings
from chat.network.state import Network

CAPABILITY = "draft/persistence"

feature = Feature()
feature.capability(CAPABILITY, "https://github.com/ircv3/ircv3-specifications/pull/503")

_WISHES = {"ON": True, "OFF": False, "DEFAULT": None}
_WORDS = {wish: word for word, wish in _WISHES.items()}


@feature.command("PERSISTENCE", parameters=1)
def persistence(request: Request) -> Effects:
    """PERSISTENCE GET | SET ON|OFF|DEFAULT: see or say whether you stay with no device connected.

    The answer is your setting, and whether you stay: the network may have decided it.
    """  # noqa: D401 - no verb, the command's name
    client, network = request.client, request.network
    if client.account is None:
        text = "Log in to an account: guests leave with their connection"
        raise RefusedError(fail("PERSISTENCE", "ACCOUNT_REQUIRED", text=text))
    before = network.wishes.get(network.fold(client.account))
    match [word.upper() for word in request.params]:
        case ["GET"]:
            wish = before
        case ["SET", word] if word in _WISHES:
            wish = _WISHES[word]
        case _:
            text = "Wanted: GET, or SET with ON, OFF or DEFAULT"
            raise RefusedError(fail("PERSISTENCE", "INVALID_PARAMS", text=text))
    if wish == before:
        yield _status(network, request.settings, client.account)
        return
    yield PersistenceChanged(client.actor, client.account, wish)
    kept = network.kept_client(client.account)
    is_wanted = keeps_client(request.settings.accounts, wish)
    if is_wanted and kept is None:
        yield ClientKept(evolve(client.record(), sessions={}))
    elif kept is not None and not is_wanted:
        yield ClientReleased(kept.id, ABSENT)


def is_wanted(request: Request, account: str | None) -> bool:
    """Return whether the client of ``account`` is to be kept; a guest's is not."""
    if account is None:
        return False
    network = request.network
    return keeps_client(request.settings.accounts, network.wishes.get(network.fold(account)))


def logged_in(request: Request, account: Account) -> Effects:
    """Keep a client that was a guest's, unless the account has one that is kept."""
    if is_wanted(request, account.name) and request.network.kept_client(account.name) is None:
        record = request.client.record()
        yield ClientKept(evolve(record, name=account.name, role=account.role, sessions={}))


def welcome(viewer: Viewer, client: Client) -> Lines:
    """Yield the setting, for a session that knows what it means."""
    if viewer.has(CAPABILITY) and client.account is not None:
        yield _status(viewer.network, viewer.settings, client.account)


@feature.renders(PersistenceChanged)
def show_persistence(viewer: Viewer, event: PersistenceChanged) -> Lines:
    """Answer, and tell the account's other sessions with the capability."""
    if viewer.is_origin or viewer.has(CAPABILITY):
        yield _status(viewer.network, viewer.settings, event.account)


def _status(network: Network, settings: Settings, account: str) -> Message:
    wish = network.wishes.get(network.fold(account))
    effective = "ON" if keeps_client(settings.accounts, wish) else "OFF"
    return Message("PERSISTENCE", ("STATUS", _WORDS[wish], effective))
