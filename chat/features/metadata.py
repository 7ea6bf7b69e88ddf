"""METADATA: what people say of themselves and of their channels, by key.

An account's and a channel's metadata last; a guest's goes with it.
Sources: https://ircv3.net/specs/extensions/metadata (draft/metadata-2),
https://github.com/ircv3/ircv3-specifications/pull/613 (draft/metadata-3)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from chat.features import metadata_lines as lines
from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.features.metadata_lines import ALL, DRAFT_2, DRAFT_3, is_aware, is_draft_2
from chat.features.metadata_targets import (
    Place,
    find,
    is_key,
    keys,
    must_administer,
    must_be_oneself,
    readable,
)
from chat.irc.message import Message
from chat.irc.numerics import (
    ERR_NEEDMOREPARAMS,
    ERR_NOTREGISTERED,
    RPL_METADATASUBOK,
    RPL_METADATASUBS,
    RPL_METADATAUNSUBOK,
    RPL_WHOISKEYVALUE,
    Reply,
)
from chat.network.changes import MetadataSubscribed, MetadataUpdated, MetadataVisible
from chat.network.entities import Channel, Client
from chat.network.events import (
    Actor,
    GuestMetadataChanged,
    MetadataChanged,
    SubscriptionsChanged,
)
from chat.network.ids import ClientId
from chat.network.policy import RefusedError
from chat.network.session import Phase, Session
from chat.network.settings import Settings

#: Values that are told unasked at once; for more of them the client has to ask.
_AT_ONCE = 200


def capability_value(settings: Settings, session: Session) -> str:
    """Return the limits."""
    limits = settings.limits
    return (
        f"before-connect,max-subs={limits.metadata_subscriptions},"
        f"max-keys={limits.metadata_keys},max-key-bytes={limits.metadata_key_length},"
        f"max-value-bytes={limits.metadata_value_length}"
    )


feature = Feature()
for name in (DRAFT_2, DRAFT_3):
    feature.capability(name, "https://ircv3.net/specs/extensions/metadata", capability_value)


@feature.command("METADATA", parameters=2, phases=(Phase.REGISTERING, Phase.REGISTERED), cost=2)
def metadata(request: Request) -> Effects:
    """METADATA target subcommand [key] [value]: what people say of themselves and of channels.

    GET, LIST and SYNC read; SET with a value, or without one to remove, and CLEAR
    change what is yours, or a channel's where you are an operator; SUB, UNSUB and
    SUBS are about the keys that you are told of.  The target * is you.
    """
    session = request.session
    # Where one must log in, nothing is told and nothing kept before that.
    is_stranger = session.account is None and request.settings.accounts.login == "required"
    if session.phase is Phase.REGISTERING and (is_stranger or not is_aware(session.capabilities)):
        yield ERR_NOTREGISTERED()
        return
    subcommand = request.params[1].upper()
    handler = _SUBCOMMANDS.get(subcommand)
    if handler is None:
        raise RefusedError(lines.invalid_subcommand(session.capabilities, request.params[1]))
    if subcommand in _WITH_KEYS and not request.param(2):
        yield ERR_NEEDMOREPARAMS("METADATA")
        return
    yield from handler(request)


# Values


def _get(request: Request) -> Effects:
    place = readable(request)
    answers: list[Message | Reply] = []
    for key in keys(request):
        if is_key(request, key):
            answers.append(lines.reply(place.name, key, place.values.get(key)))
        else:
            refusal = lines.invalid_key(request.session.capabilities, key, is_one_of_many=True)
            answers.append(refusal.message(request.settings.server))
    yield from lines.batch(request.session.capabilities, answers, place.name)


def _list(request: Request) -> Effects:
    place = readable(request)
    yield from _told(request, place.name, place.values)


def _set(request: Request) -> Effects:
    place = find(request)
    capabilities, limits = request.session.capabilities, request.settings.limits
    key = request.params[2]
    if len(request.params) > 4:
        text = "Too many parameters: a value with spaces begins with a colon"
        raise RefusedError(lines.invalid_params("SET", text))
    if not is_key(request, key):
        raise RefusedError(lines.invalid_key(capabilities, key))
    must_administer(request, place, key)
    value = request.params[3] if len(request.params) == 4 else None
    if value == "" and not is_draft_2(capabilities):
        value = None
    if value is None and key not in place.values and is_draft_2(capabilities):
        raise RefusedError(lines.not_set(place.name, key))
    if value is not None and len(value.encode()) > limits.metadata_value_length:
        raise RefusedError(lines.invalid_value(capabilities, key, limits.metadata_value_length))
    if place.values.get(key) == value:
        yield lines.reply(place.name, key, value)
        return
    if key not in place.values and len(place.values) >= limits.metadata_keys:
        raise RefusedError(lines.too_many_keys(capabilities, place.name, limits.metadata_keys))
    yield _change(request, place, {key: value})


def _clear(request: Request) -> Effects:
    place = find(request)
    must_administer(request, place, "*")
    if place.values:
        yield _change(request, place, dict.fromkeys(place.values), is_clear=True)
    else:
        yield from _told(request, place.name, {})


def _change(
    request: Request, place: Place, values: dict[str, str | None], *, is_clear: bool = False
) -> MetadataChanged:
    target = place.target
    if target is None:
        guest = ClientId(request.session.id)
        actor = Actor(guest, place.name)
        return GuestMetadataChanged(actor, place.name, values, client=guest, is_clear=is_clear)
    actor = request.client.actor
    if isinstance(target, Channel):
        return MetadataChanged(actor, place.name, values, channel=place.name, is_clear=is_clear)
    if target.account is not None:
        return MetadataChanged(actor, place.name, values, account=target.account, is_clear=is_clear)
    return GuestMetadataChanged(actor, place.name, values, client=target.id, is_clear=is_clear)


def _sync(request: Request) -> Effects:
    network, session = request.network, request.session
    wanted = network.subscriptions.get(session.id, {})
    if session.phase is Phase.REGISTERED and request.params[0] == ALL:
        found = lines.values(network, lines.seen(network, session.id), wanted)
        yield from _notices(session.capabilities, found, ALL)
        return
    place = readable(request)
    target = place.target
    if target is None:
        found = [(place.name, key, place.values[key]) for key in place.values if key in wanted]
    else:
        if isinstance(target, Channel) and request.client not in target.members:
            raise RefusedError(lines.no_permission(place.name, "*"))
        found = lines.values(network, lines.seen_with(network, session.id, target), wanted)
    yield from _notices(session.capabilities, found, place.name)


# Subscriptions


def _sub(request: Request) -> Effects:
    must_be_oneself(request)
    session, limit = request.session, request.settings.limits.metadata_subscriptions
    mine = request.network.subscriptions.get(session.id, {})
    accepted: dict[str, None] = {}
    problems = []
    for key in keys(request):
        if not is_key(request, key):
            problems.append(lines.invalid_key(session.capabilities, key, is_one_of_many=True))
        elif key in mine or len({**mine, **accepted, key: None}) <= limit:
            accepted[key] = None
        else:
            problems.append(lines.too_many_subscriptions(session.capabilities, key, limit))
            break
    yield from lines.keys(RPL_METADATASUBOK, accepted)
    yield from problems
    fresh = tuple(key for key in accepted if key not in mine)
    if fresh:
        yield SubscriptionsChanged(session.id, added=fresh)


def _unsub(request: Request) -> Effects:
    must_be_oneself(request)
    session = request.session
    asked = dict.fromkeys(keys(request))
    valid = tuple(key for key in asked if is_key(request, key))
    yield from lines.keys(RPL_METADATAUNSUBOK, valid)
    for key in asked:
        if key not in valid:
            yield lines.invalid_key(session.capabilities, key, is_one_of_many=True)
    if valid:
        yield SubscriptionsChanged(session.id, removed=valid)


def _subs(request: Request) -> Effects:
    must_be_oneself(request)
    session = request.session
    mine = request.network.subscriptions.get(session.id, {})
    replies = lines.keys(RPL_METADATASUBS, mine)
    yield from lines.batch(session.capabilities, replies, kind="metadata-subs")


_SUBCOMMANDS: Mapping[str, Callable[[Request], Effects]] = {
    "GET": _get,
    "LIST": _list,
    "SET": _set,
    "CLEAR": _clear,
    "SYNC": _sync,
    "SUB": _sub,
    "UNSUB": _unsub,
    "SUBS": _subs,
}
_WITH_KEYS = frozenset({"GET", "SET", "SUB", "UNSUB"})


# What other features show of it


def carry_over(request: Request, session: Session, nick: str) -> Effects:
    """Give to an account what its session set before it registered, as far as there is room."""
    network = request.network
    waiting = network.metadata.get(session.id, {})
    if session.account is None:
        return
    mine = network.metadata.get(network.fold(session.account), {})
    room = request.settings.limits.metadata_keys - len(mine)
    fresh = [key for key in waiting if key not in mine][: max(0, room)]
    taken: dict[str, str | None] = {
        key: value for key, value in waiting.items() if key in fresh or key in mine
    }
    if taken:
        actor = Actor(ClientId(session.id), nick, session.account)
        yield MetadataChanged(actor, nick, taken, account=session.account)


def welcome(viewer: Viewer, client: Client) -> Lines:
    """Yield all that the client itself has set, for a session that knows metadata."""
    if is_aware(viewer.capabilities):
        mine = viewer.network.metadata_of(client)
        found = [(client.nick, key, value) for key, value in mine.items()]
        yield from _notices(viewer.capabilities, found, client.nick)


def whois(request: Request, client: Client) -> Iterable[Reply]:
    """Yield all that the client has set, for a session that knows metadata."""
    if is_aware(request.session.capabilities):
        for key, value in request.network.metadata_of(client).items():
            yield RPL_WHOISKEYVALUE(client.nick, key, "*", value)


# Rendering


@feature.renders(MetadataChanged)
@feature.renders(GuestMetadataChanged)
def show_change(viewer: Viewer, event: MetadataChanged) -> Lines:
    """Answer the session that made the change: only it sees the event itself."""
    replies = (lines.reply(event.target, key, value) for key, value in event.values.items())
    if event.is_clear:
        yield from lines.batch(viewer.capabilities, replies, event.target)
    else:
        yield from replies


@feature.renders(MetadataUpdated)
def show_update(viewer: Viewer, fact: MetadataUpdated) -> Lines:
    """Tell who subscribed to the key."""
    if is_aware(viewer.capabilities):
        yield lines.notice(viewer.capabilities, fact.target, fact.key, fact.value)


@feature.renders(MetadataVisible)
def show_visible(viewer: Viewer, fact: MetadataVisible) -> Lines:
    """Tell what is set there of the keys that the session subscribed to."""
    if not is_aware(viewer.capabilities):
        return
    network, target = viewer.network, fact.target
    wanted = network.subscriptions.get(fact.session, {})
    found = lines.values(network, lines.seen_with(network, fact.session, target), wanted)
    shown = target.name if isinstance(target, Channel) else target.nick
    if len(found) > _AT_ONCE:
        yield lines.later(viewer.capabilities, shown)
    else:
        yield from _notices(viewer.capabilities, found, shown)


@feature.renders(MetadataSubscribed)
def show_subscribed(viewer: Viewer, fact: MetadataSubscribed) -> Lines:
    """Tell what is set of the new keys; in the newer draft the client asks for that at its time."""
    if not is_draft_2(viewer.capabilities):
        yield lines.later(viewer.capabilities, ALL)
        return
    network = viewer.network
    found = lines.values(network, lines.seen(network, fact.session), fact.keys)
    if len(found) > _AT_ONCE:
        for channel in network.sessions[fact.session].channels.values():
            yield lines.later(viewer.capabilities, channel.name)
        return
    for value in found:
        yield lines.notice(viewer.capabilities, *value)


def _told(request: Request, target: str, values: Mapping[str, str]) -> Lines:
    replies = (lines.reply(target, key, value) for key, value in values.items())
    yield from lines.batch(request.session.capabilities, replies, target)


def _notices(capabilities: frozenset[str], found: Iterable[lines.Value], target: str) -> Lines:
    told = (lines.notice(capabilities, *value) for value in found)
    yield from lines.batch(capabilities, told, target)
