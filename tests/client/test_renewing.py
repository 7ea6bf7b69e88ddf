"""When a client renews its certificate, and what it tells of that."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from attrs import evolve
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.client.enrolment import UnreachableError
from chat.client.events import CertificateEnds, CertificateRenewed, ClientEvent, Rejected
from chat.client.profile import Address, Profile, load_credentials
from chat.client.renewing import LOOK, Renewing
from chat.client.tls import Credentials
from chat.pki.errors import PkiError
from tests.pki.networks import Network, now

START = now().replace(microsecond=0)
END = START + timedelta(days=30)


class RenewingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()))
        self.profile = self.make_profile(START)
        self.clock = Clock()
        self.told: list[ClientEvent] = []
        self.presented: list[Credentials] = []
        self.asked: list[datetime] = []
        self.answer: Profile | Exception = PkiError("no")
        self.waiting: Deferred[Profile] | None = None

    def make_profile(self, at: datetime) -> Profile:
        files = self.network.device(at=at)
        credentials = load_credentials(files.combined, self.network.layout.root_certificate)
        return Profile(Address("localhost"), "localhost", "alice", credentials)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock.seconds())

    def renew(self, profile: Profile, at: datetime, jitter: float) -> Deferred[Profile]:
        self.asked.append(at)
        if self.waiting is not None:
            return self.waiting
        return fail(self.answer) if isinstance(self.answer, Exception) else succeed(self.answer)

    def start(self, at: timedelta, jitter: float = 0.0) -> Renewing:
        self.clock.advance(at.total_seconds())
        renewing = Renewing(
            *(self.profile, self.renew, self.presented.append, self.told.append),
            *(self.clock, lambda: jitter, self.now),
        )
        renewing.start()
        self.addCleanup(renewing.stop)
        return renewing

    def wait(self, time: timedelta) -> None:
        self.clock.pump([LOOK] * round(time.total_seconds() / LOOK))

    def test_not_before_two_thirds_of_its_life(self) -> None:
        self.start(timedelta(days=19))
        self.assertEqual(self.asked, [])
        self.wait(timedelta(days=1, hours=2))
        self.assertTrue(self.asked)
        self.assertLess(abs(self.asked[0] - (START + timedelta(days=20))), timedelta(hours=2))

    def test_at_the_start_when_it_is_due(self) -> None:
        self.answer = self.make_profile(START + timedelta(days=21))
        self.start(timedelta(days=21))
        self.assertEqual(self.presented, [self.answer.credentials])
        self.assertEqual(self.told, [CertificateRenewed(END + timedelta(days=21))])
        self.wait(timedelta(days=10))
        self.assertEqual(len(self.asked), 1)

    def test_chance_puts_it_off(self) -> None:
        self.start(timedelta(days=20, hours=12), jitter=0.9)
        self.assertEqual(self.asked, [])
        self.wait(timedelta(days=1))
        self.assertTrue(self.asked)

    def test_failures_are_quiet_until_seven_days_remain(self) -> None:
        self.start(timedelta(days=20, hours=1))
        self.wait(timedelta(days=2, hours=20))
        self.assertGreater(len(self.asked), 60)
        self.assertEqual(self.told, [])
        self.wait(timedelta(hours=6))
        self.assertEqual(self.told, [CertificateEnds(END, "no")])
        self.wait(timedelta(days=3))
        self.assertEqual(self.told, [CertificateEnds(END, "no")] * 4)

    def test_after_failures_it_succeeds(self) -> None:
        self.start(timedelta(days=24))
        self.answer = self.make_profile(START + timedelta(days=24))
        self.wait(timedelta(hours=2))
        self.assertIsInstance(self.told[-1], CertificateRenewed)

    def test_a_file_that_is_gone_is_a_failure_like_others(self) -> None:
        self.answer = FileNotFoundError(2, "No such file")
        self.start(timedelta(days=24))
        self.assertEqual(len(self.told), 1)

    def test_without_a_certificate_there_is_nothing_to_do(self) -> None:
        credentials = evolve(self.profile.credentials, certificates=(), key=None)
        self.profile = evolve(self.profile, credentials=credentials)
        renewing = self.start(timedelta(days=40))
        self.assertIsNone(self.successResultOf(renewing.before_connecting()))
        self.assertEqual(self.asked, [])

    def test_stopped(self) -> None:
        self.waiting = Deferred()
        renewing = self.start(timedelta(days=21))
        renewing.stop()
        self.waiting.callback(self.make_profile(START + timedelta(days=21)))
        self.assertEqual(self.told, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_connection_waits_for_no_certificate_that_is_good(self) -> None:
        self.waiting = Deferred()
        renewing = self.start(timedelta(days=29))
        self.assertIsNone(self.successResultOf(renewing.before_connecting()))

    def test_one_that_has_ended_is_renewed_before_the_connection(self) -> None:
        self.waiting = Deferred()
        renewing = self.start(timedelta(days=31))
        self.assertEqual(self.asked, [])
        ready = renewing.before_connecting()
        self.assertNoResult(ready)
        self.waiting.callback(self.make_profile(START + timedelta(days=31)))
        self.assertIsNone(self.successResultOf(ready))
        self.assertEqual(len(self.presented), 1)

    def test_one_that_has_ended_and_is_not_renewed_is_no_use(self) -> None:
        renewing = self.start(timedelta(days=40))
        self.assertEqual(
            self.successResultOf(renewing.before_connecting()),
            Rejected(
                f"your certificate ended on {END:%Y-%m-%d %H:%M} UTC, and could not be renewed"
                " (no)",
                "ask for an invitation (securechat invite NAME) and run securechat join",
            ),
        )

    def test_a_server_that_is_away_decides_nothing(self) -> None:
        self.answer = UnreachableError("nobody there")
        renewing = self.start(timedelta(days=40))
        self.assertIsNone(self.successResultOf(renewing.before_connecting()))
