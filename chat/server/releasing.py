"""Which accounts do not stay with no device connected, though they did."""

from __future__ import annotations

from twisted.logger import Logger

from chat.irc.casemap import ascii_fold
from chat.network.entities import ABSENT, Client
from chat.network.events import AccountRemoved, ClientReleased, Event
from chat.network.policy import keeps_client
from chat.server.config import Config
from chat.server.hub import Hub
from chat.store.interfaces import IAccounts, UnavailableError

_log = Logger()
_DAY = 86_400_000


async def release(hub: Hub, accounts: IAccounts, config: Config) -> None:
    """Release kept clients whose account is gone, or does not want them, or is long absent."""
    try:
        there = {ascii_fold(account.name) for account in await accounts.all()}
    except UnavailableError as error:
        _log.warn("Nobody is released: {why}", why=error)
        return
    for client in list(hub.network.kept.values()):
        event: Event | None = None
        if ascii_fold(client.account or "") not in there:
            event = AccountRemoved(client.account or "")
        else:
            why = _why(hub, client, config)
            event = ClientReleased(client.id, why) if why is not None else None
        if event is not None:
            _log.info("Released: {account}", account=client.account)
            hub.append_surely(hub.stamp(event))


def _why(hub: Hub, client: Client, config: Config) -> str | None:
    """Return why a client whose account is there is kept no longer, where it is not."""
    network, days = hub.network, config.limits.absence
    wish = network.wishes.get(network.fold(client.account or ""))
    if not keeps_client(config.accounts, wish):
        return ABSENT
    if not client.sessions and hub.now() - client.seen > days * _DAY:
        return f"Not seen for {days} days"
    return None
