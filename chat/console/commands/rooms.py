"""Commands about rooms: entering and leaving them, their topic, who is there."""

from __future__ import annotations

from chat.console.commands.actions import Close, Go, Mute, Pin, Send
from chat.console.commands.command import Actions, Here, Subject, parted
from chat.irc.message import Message

ROOMS = Subject("Rooms")


@ROOMS.command("/join ROOM[,ROOM] [KEY]", "enter a room and make it the current one", "j", least=1)
def _join(here: Here, rest: str) -> Actions:
    names, *key = rest.split()
    rooms = [name if here.isupport.is_channel(name) else f"#{name}" for name in names.split(",")]
    yield Send(Message("JOIN", (",".join(rooms), *key[:1])))
    yield Go(rooms[-1])


@ROOMS.command("/part [ROOM] [REASON]", "leave a room", "leave")
def _part(here: Here, rest: str) -> Actions:
    room, reason = here.room_and_rest(rest)
    if here.was_removed(room):
        yield Close(room)
        return
    yield Send(Message("PART", (room, reason) if reason else (room,)))


@ROOMS.command(
    "/topic [ROOM] [TEXT|-delete]",
    "show a room's topic, or set it, or take it away",
    "t",
    words=(("-delete",),),
    example="/topic We land at nine",
)
def _topic(here: Here, rest: str) -> Actions:
    room, topic = here.room_and_rest(rest)
    text = "" if topic == "-delete" else topic
    yield Send(Message("TOPIC", (room, text) if topic else (room,)))


@ROOMS.command("/names [ROOM]", "show who is in a room", "n")
def _names(here: Here, rest: str) -> Actions:
    yield Send(Message("NAMES", (here.room_and_rest(rest)[0],)))


@ROOMS.command("/list [ROOM]", "show the rooms there are", example="/list *lab*")
def _list(here: Here, rest: str) -> Actions:
    yield Send(Message("LIST", tuple(rest.split()[:1])))


@ROOMS.command("/invite NICK [ROOM]", "ask somebody into a room", least=1)
def _invite(here: Here, rest: str) -> Actions:
    nick, room = parted(rest)
    yield Send(Message("INVITE", (nick, here.room_and_rest(room)[0])))


@ROOMS.command("/mute [ROOM_OR_NICK]", "get no notice of what is said there")
def _mute(here: Here, rest: str) -> Actions:
    yield Mute(_place(here, rest), True)


@ROOMS.command("/unmute [ROOM_OR_NICK]", "get notice of it again")
def _unmute(here: Here, rest: str) -> Actions:
    yield Mute(_place(here, rest), False)


@ROOMS.command("/pin [ROOM_OR_NICK]", "keep it at the top of the list")
def _pin(here: Here, rest: str) -> Actions:
    yield Pin(_place(here, rest), True)


@ROOMS.command("/unpin [ROOM_OR_NICK]", "have it in its place of the list again")
def _unpin(here: Here, rest: str) -> Actions:
    yield Pin(_place(here, rest), False)


def _place(here: Here, rest: str) -> str:
    return rest.split()[0] if rest else here.current()
