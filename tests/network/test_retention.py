"""How much history is kept."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.network.entities import Channel
from chat.network.ids import Timestamp
from chat.network.retention import Retention, of_room, parse_retention
from chat.network.settings import HistorySettings

DAY = 86_400


class RetentionTests(SynchronousTestCase):
    def test_arguments(self) -> None:
        for argument, wanted in (
            ("1000:30d", Retention(1000, 30 * DAY)),
            ("0:12h", Retention(0, DAY // 2)),
            ("50:0", Retention(50, 0)),
            ("1:1d12h30m", Retention(1, 36 * 3600 + 1800)),
            # Seconds to InspIRCd, minutes to UnrealIRCd.
            ("10:1800", None),
            ("10", None),
            (":1d", None),
            ("10:", None),
            ("-1:1d", None),
            ("1:1d ", None),
            ("٣:1d", None),
            ("9999999999:1d", None),
        ):
            self.assertEqual(parse_retention(argument), wanted, argument)

    def test_a_room_can_only_be_stricter(self) -> None:
        history = HistorySettings(keep_days=7, keep_messages=100)
        for mode, wanted in (
            (None, Retention(100, 7 * DAY)),
            ("50:30d", Retention(50, 7 * DAY)),
            ("500:1d", Retention(100, DAY)),
            ("0:0", Retention(100, 7 * DAY)),
        ):
            modes = {} if mode is None else {"H": mode}
            room = Channel("#room", Timestamp(0), modes=modes)
            self.assertEqual(of_room(room, history), wanted, mode)
        room = Channel("#room", Timestamp(0), modes={"H": "50:1d"})
        self.assertEqual(of_room(room, HistorySettings()), Retention(50, DAY))

    def test_since(self) -> None:
        now = Timestamp(10 * DAY * 1000)
        self.assertEqual(Retention(5, 0).since(now), 0)
        self.assertEqual(Retention(0, DAY).since(now), 9 * DAY * 1000)
        self.assertEqual(Retention(0, 20 * DAY).since(now), 0)
