"""The server keeps its lists and its certificate fresh by itself, where it can open the keys."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import LogEvent, globalLogPublisher

from chat.pki.bundles import to_pem
from chat.pki.errors import PassphraseError
from chat.pki.files import read_certificates, read_server_key, write_files
from chat.pki.lists import read_lists
from chat.pki.records import host_names
from chat.pki.rotation import rotate
from chat.pki.server_certificate import renew_server
from chat.server import upkeep
from chat.server.config import load
from chat.server.upkeep import Upkeep, look_after, renew_lists_if_due, renew_server_if_due
from chat.store.interfaces import UnavailableError
from tests.cli.networks import NetworkCase
from tests.pki.networks import now

DAY = timedelta(days=1)


class ListTests(NetworkCase):
    def renew(self, age: timedelta = DAY) -> bool:
        return renew_lists_if_due(load(self.config), now() + age)

    def numbers(self) -> list[int]:
        return sorted(each.number for each in read_lists(self.layout).lists)

    def test_daily(self) -> None:
        self.assertFalse(self.renew(0.9 * DAY))
        self.assertTrue(self.renew())
        self.assertEqual(self.numbers(), [2])

    def test_of_each_authority(self) -> None:
        rotate(self.layout, self.network.root, None, now())
        self.assertTrue(self.renew())
        self.assertEqual(self.numbers(), [2, 2])

    def test_passphrase(self) -> None:
        file = self.encrypt()
        with self.assertRaisesRegex(PassphraseError, "is encrypted"):
            self.renew()
        self.patch(os, "environ", {**os.environ, "CREDENTIALS_DIRECTORY": str(self.directory)})
        self.configure(
            '# passphrase_file = "passphrase.txt"', 'passphrase_file = "credential:mine"'
        )
        with self.assertRaisesRegex(PassphraseError, "no credential mine"):
            self.renew()
        file.rename(file.with_name("mine"))
        self.assertTrue(self.renew())


class ServerTests(NetworkCase):
    def renew(self, days: float) -> bool:
        return renew_server_if_due(load(self.config), now() + days * DAY)

    def test_when_two_thirds_are_over(self) -> None:
        (old, *_) = read_certificates(self.layout.server_certificate)
        self.assertFalse(self.renew(59.9))
        self.assertTrue(self.renew(60))
        (new, issuing) = read_certificates(self.layout.server_certificate)
        self.assertEqual(issuing, self.network.issuing.certificate)
        self.assertEqual(host_names(new), host_names(old))
        self.assertEqual(new.public_key(), old.public_key())
        read_server_key(self.layout.server_key, new)
        self.assertEqual(self.layout.record(new).read_bytes(), to_pem(new))
        self.assertFalse(self.renew(60))

    def test_one_from_elsewhere_is_left_alone(self) -> None:
        before = self.layout.server_certificate.read_bytes()
        elsewhere = self.directory / "tls.crt"
        write_files({elsewhere: before})
        self.configure('certificate = "keys/server.crt"', 'certificate = "tls.crt"')
        self.assertFalse(self.renew(80))
        self.assertEqual(self.layout.server_certificate.read_bytes(), before)

    def test_locked(self) -> None:
        self.encrypt()
        with self.assertRaisesRegex(PassphraseError, "is encrypted"):
            self.renew(60)


class AlarmTests(NetworkCase):
    def alarms(self, days: float) -> list[str]:
        return look_after(load(self.config), now() + days * DAY).alarms

    def test_what_renews_itself_is_none(self) -> None:
        for days in (0, 1, 5, 60, 100):
            self.assertEqual(self.alarms(days), [])

    def test_what_the_server_cannot_sign(self) -> None:
        self.encrypt()
        self.assertEqual(self.alarms(3), [])
        (alarm,) = self.alarms(4)
        self.assertRegex(alarm, "the list of .* ends on .* half .*: run securechat cert renew-list")
        self.assertEqual(len(self.alarms(75)), 1)
        (alarm, _) = self.alarms(76.1)
        self.assertRegex(alarm, "/server.crt ends on .*: run securechat ca renew-server$")
        findings = look_after(load(self.config), now() + 61 * DAY)
        self.assertEqual(findings.done, [])
        self.assertEqual(len(findings.problems), 2)
        self.assertRegex(
            findings.problems[1], "^The server's certificate could not be .* encrypted"
        )

    def test_the_issuing_authority(self) -> None:
        self.assertEqual(self.alarms(669), [])
        (alarm,) = self.alarms(671)
        self.assertRegex(
            alarm, "Testnet issuing authority.* ends on .*: run securechat ca rotate-issuing$"
        )

    def test_when_all_is_over_the_look_goes_on(self) -> None:
        findings = look_after(load(self.config), now() + 800 * DAY)
        self.assertEqual((findings.done, len(findings.problems), len(findings.alarms)), ([], 1, 2))

    def test_a_certificate_that_ends_with_its_authority_is_not_renewed_again(self) -> None:
        config = load(self.config)
        self.assertTrue(renew_server_if_due(config, now() + 700 * DAY))
        self.assertFalse(renew_server_if_due(config, now() + 725 * DAY))
        self.assertEqual(len(self.alarms(725)), 2)

    def test_files_that_are_not_there(self) -> None:
        config = load(self.config)
        self.layout.revocations.unlink()
        findings = look_after(config, now())
        self.assertIn("revocations.pem", findings.alarms[0])


class Invitations:
    """Remembers what was pruned, or fails."""

    def __init__(self) -> None:
        self.before: list[int] = []
        self.is_away = False

    def prune(self, before: int) -> Deferred[int]:
        self.before.append(before)
        return fail(UnavailableError("away")) if self.is_away else succeed(0)


class FakeDirectory:
    """Remembers since when payloads were kept, and when it was swept."""

    def __init__(self) -> None:
        self.pruned: list[int] = []
        self.swept: list[int] = []

    async def prune(self, before: int) -> None:
        self.pruned.append(before)

    async def sweep(self, now: int) -> None:
        self.swept.append(now)


class UpkeepTests(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.at = now()
        self.invitations = Invitations()
        self.keys = FakeDirectory()
        self.upkeep = Upkeep(
            lambda: load(self.config),
            self.invitations,  # type: ignore[arg-type]
            self.keys,  # type: ignore[arg-type]
        )
        self.logged: list[tuple[str, str]] = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)
        case = self

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return case.at

        self.patch(upkeep, "datetime", Clock)
        self.patch(upkeep, "deferToThread", lambda work, *words: succeed(work(*words)))

    def observe(self, event: LogEvent) -> None:
        if event.get("log_namespace") == "chat.server.upkeep":
            self.logged.append((event["log_level"].name, str(event.get("text") or event["why"])))

    def look(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.upkeep.look()))

    def test_an_alarm_is_told_daily_while_it_lasts(self) -> None:
        self.encrypt()
        self.at += 4 * DAY
        for _ in range(30):
            self.look()
            self.at += timedelta(hours=1)
        self.assertEqual([level for level, _ in self.logged], ["error", "warn"] * 2)
        self.assertEqual(len(self.upkeep.alarms), 2)
        self.configure('# passphrase_file = "passphrase.txt"', 'passphrase_file = "passphrase"')
        self.look()
        self.assertEqual(self.upkeep.alarms, ())
        self.assertEqual(self.logged[-1], ("info", "The revocation lists were signed anew"))

    def test_the_certificate_is_there_before_it_is_an_alarm(self) -> None:
        renew_server(self.layout, self.network.issuing, self.at - 80 * DAY)
        self.look()
        self.assertEqual(self.logged, [("info", "The server's certificate was renewed")])

    def test_the_directory_is_swept_and_old_payloads_go(self) -> None:
        self.look()
        at = int(self.at.timestamp() * 1000)
        self.assertEqual(self.keys.swept, [at])
        self.assertEqual(self.keys.pruned, [at - 7 * 86_400_000])

    def test_old_invitations_are_pruned(self) -> None:
        self.look()
        self.invitations.is_away = True
        self.look()
        week_ago = int((self.at - 7 * DAY).timestamp() * 1000)
        self.assertEqual(self.invitations.before, [week_ago] * 2)
        self.assertEqual(self.logged, [("warn", "away")])
