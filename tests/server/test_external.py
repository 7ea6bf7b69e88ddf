"""The server with an authority that is not ours, and with several."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from twisted.trial.unittest import TestCase

from chat.cli.config_template import render
from chat.pki.bundles import to_pem
from chat.pki.files import write_files
from chat.server.config import load
from chat.server.tls import ServerTLS, TLSFiles, TLSVersion
from chat.server.upkeep import look_after
from tests.pki.networks import Network, now
from tests.server.external import ExternalAuthority
from tests.server.tls_peers import GREETING, meet

ALICE = "alice/laptop"
REVOKED = "the certificate of alice/laptop is revoked"
UNKNOWN = "its certificate is of an unknown authority"


class ExternalCase(TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.own = ExternalAuthority.make("Example Corp CA", self.directory)
        certificate, key = self.own.server()
        self.files = TLSFiles(
            *(self.directory / name for name in ("server.crt", "server.key", "ca.crt", "lists.pem"))
        )
        write_files({self.files.certificate: certificate, self.files.key: key})
        self.trust([self.own], self.own.list())

    def trust(self, authorities: list[ExternalAuthority], *lists: bytes) -> None:
        trusted = b"".join(to_pem(authority.certificate) for authority in authorities)
        write_files(
            {self.files.authority: trusted, self.files.revocations: b"".join(lists)}, replace=True
        )

    def tls(self, minimum: TLSVersion = TLSVersion.TLS13) -> ServerTLS:
        return ServerTLS(self.files, minimum, now())


class OneTests(ExternalCase):
    def test_let_in(self) -> None:
        device, _ = self.own.device()
        for minimum in TLSVersion:
            meeting = meet(self.tls(minimum), device)
            self.assertEqual((meeting.server.identity, meeting.client.received), (ALICE, GREETING))

    def test_revoked(self) -> None:
        device, serial = self.own.device()
        tls = self.tls()
        self.trust([self.own], self.own.list(serial))
        tls.reload(now())
        self.assertEqual(meet(tls, device).refusal, REVOKED)

    def test_no_account_in_it(self) -> None:
        """What a certificate says of the person otherwise is not taken for an account."""
        device, _ = self.own.device("mailto:alice@example.org")
        self.assertEqual(
            meet(self.tls(), device).refusal, "the certificate names no account and device"
        )

    def test_ours_is_unknown(self) -> None:
        ours = Network.make(Path(self.mktemp())).device()
        self.assertEqual(meet(self.tls(), ours).refusal, UNKNOWN)


class SeveralTests(ExternalCase):
    def setUp(self) -> None:
        super().setUp()
        self.other = ExternalAuthority.make("Example Corp CA 2", self.directory)

    def test_rotation(self) -> None:
        """Two at once, with equal serial numbers: each list is about its own."""
        old, serial = self.own.device()
        new, same = self.other.device()
        self.assertNotEqual(serial, same)
        twin, same = self.other.device()
        self.assertEqual(serial, same)
        self.trust([self.own, self.other], self.own.list(serial), self.other.list())
        tls = self.tls()
        self.assertEqual(meet(tls, old).refusal, REVOKED)
        for device in (new, twin):
            self.assertEqual(meet(tls, device).server.identity, ALICE)

    def test_no_list_of_one(self) -> None:
        self.trust([self.own, self.other], self.own.list())
        device, _ = self.other.device()
        refusal = meet(self.tls(), device).refusal
        self.assertEqual(refusal, "there is no revocation list of its certificate's authority")

    def test_a_stale_list_of_one(self) -> None:
        self.trust(
            [self.own, self.other], self.own.list(), self.other.list(issued=timedelta(days=31))
        )
        tls = self.tls()
        device, _ = self.other.device()
        refusal = meet(tls, device).refusal
        self.assertEqual(refusal, "this server's revocation list is out of date: renew it")
        device, _ = self.own.device()
        self.assertEqual(meet(tls, device).server.identity, ALICE)

    def test_the_server_from_one_and_clients_from_the_other(self) -> None:
        self.trust([self.other], self.other.list())
        device, _ = self.other.device()
        self.assertEqual(meet(self.tls(), device).server.identity, ALICE)
        device, _ = self.own.device()
        self.assertEqual(meet(self.tls(), device).refusal, UNKNOWN)

    def test_beside_ours(self) -> None:
        layout = (ours := Network.make(Path(self.mktemp()))).layout
        write_files(
            {
                self.files.authority: layout.authorities.read_bytes()
                + to_pem(self.own.certificate),
                self.files.revocations: layout.revocations.read_bytes() + self.own.list(),
            },
            replace=True,
        )
        tls = self.tls()
        device, _ = self.own.device()
        for each in (device, ours.device()):
            self.assertEqual(meet(tls, each).server.identity, ALICE)


class ListTests(ExternalCase):
    """The server re-signs nothing then; it says when the next list is to be brought."""

    def setUp(self) -> None:
        super().setUp()
        text = render(network="Lab", server="irc.lab", database="sqlite:x.db", passphrase_file=None)
        for name, path in (
            ("keys/server.crt", self.files.certificate),
            ("keys/server.key", self.files.key),
            ("keys/ca.crt", self.files.authority),
            ("keys/revocations.pem", self.files.revocations),
        ):
            text = text.replace(f'"{name}"', f'"{path.name}"')
        text = text.replace('directory = "keys"', 'directory = ""')
        write_files({self.directory / "securechat.toml": text.encode()})
        self.config = load(self.directory / "securechat.toml")

    def alarms(self, age: timedelta) -> list[str]:
        found = look_after(self.config, now() + age)
        self.assertEqual((found.done, found.problems), ([], []))
        return found.alarms

    def test_in_time(self) -> None:
        self.assertEqual(self.alarms(timedelta(days=14)), [])

    def test_late(self) -> None:
        (alarm,) = self.alarms(timedelta(days=15, hours=12))
        self.assertRegex(alarm, "the list of Example Corp CA ends on .*: bring its next one$")
