"""Revocation and expiry reach those who are connected to a running server."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import datetime, timedelta
from pathlib import Path

from twisted.trial.unittest import TestCase

from chat.client.profile import Choice, choose
from chat.client.renewal import renew_profile
from chat.pki.authority import Identity, issue_device, issue_server, new_key
from chat.pki.bundles import to_pem
from chat.pki.errors import InvitationError, PkiError
from chat.pki.files import read_certificates, read_server_key, write_files
from chat.pki.lists import read_lists
from chat.server.watch import INTERVAL
from tests.live.irc import IRC, ConnectionEndedError
from tests.pki.networks import now
from tests.support.servers import Device, Home, Server, make_home, securechat, until


class ServerCase(TestCase):
    def setUp(self) -> None:
        self.home = make_home()
        self.layout = self.home.authority.layout
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def login(self, account: str, device: str = "laptop") -> IRC:
        return self.connect(self.home.device(account, device))

    def connect(self, device: Device) -> IRC:
        client = IRC.login(self.server.port, device)
        self.addCleanup(client.close)
        return client

    def boss(self) -> IRC:
        securechat(
            "user", "add", "boss", "--role", "operator",
            "--password-file", self.home.password_file, "--dir", self.home.directory,
        )  # fmt: skip
        client = self.login("boss")
        client.send("OPER")
        client.expect(r"\S+ 381 ")
        return client

    def revoke(self, *arguments: object) -> None:
        securechat("revoke", *arguments, "--dir", self.home.directory)

    def assert_refused(self, device: Device, why: str) -> None:
        with self.assertRaises((ConnectionEndedError, ssl.SSLError, OSError)):
            IRC(self.server.port, device).expect("anything")
        self.server.wait_for_log(f"Refused 127.0.0.1: {why}")

    def issue(self, home: Home, identity: Identity, end: datetime, days: float = 1) -> Device:
        """Issue a certificate that ends then, and began so many days before."""
        issuing, key = home.authority.issuing, new_key()
        begin = end - timedelta(days=days)
        certificate = issue_device(issuing, key.public_key(), identity, begin, end - begin)
        write_files({self.layout.record(certificate): to_pem(certificate)})
        files = home.authority.save(identity, certificate, key, issuing.certificate)
        write_files({files.directory / "ca.crt": self.layout.root_certificate.read_bytes()})
        return Device(files.directory, identity.account, identity.device)


class CommandTests(ServerCase):
    def test_the_device_is_cut_off_and_the_rooms_are_told(self) -> None:
        phone, laptop, bob = (
            self.login("alice", "phone"), self.login("alice"), self.login("bob"),
        )  # fmt: skip
        for client in (laptop, bob):
            client.send("JOIN #lab")
            client.expect(r"\S+ 366 ")
        self.revoke("alice/phone", "--reason", "key-compromise")
        begun = time.monotonic()
        phone.expect(r"ERROR :Your certificate was revoked \(key compromise\)$")
        phone.read_to_end()
        self.assertLess(time.monotonic() - begun, 2)
        for client in (laptop, bob):
            client.expect(
                r"irc\.localhost NOTICE #lab :alice's device phone was revoked: key compromise$"
            )
        listed = [line for line in laptop.exchange("DEVICES") if " 371 " in line]
        self.assertEqual(len(listed), 1, listed)
        device = self.home.device("alice", "phone")
        self.assert_refused(device, "the certificate of alice/phone is revoked")
        profile = choose(
            Choice(
                certificate=device.pem, authority=device.ca, host=f"localhost:{self.server.port}"
            ),
            Path(),
        )
        self.assertRaises((InvitationError, PkiError, OSError), renew_profile, profile)

    def test_it_is_told_once(self) -> None:
        """Neither another list nor a restart tells it again."""
        phone, bob = self.login("alice", "phone"), self.login("bob")
        for client in (self.login("alice"), bob):
            client.send("JOIN #lab")
            client.expect(r"\S+ 366 ")
        self.revoke("alice/phone")
        phone.expect("ERROR :Your certificate was revoked$")
        bob.expect(r"\S+ NOTICE #lab :alice's device phone was revoked$")
        self.revoke("bob/laptop", "--reason", "superseded")
        bob.expect(r"ERROR :Your certificate was revoked \(superseded\)$")
        bob.read_to_end()
        self.server.kill()
        self.server.start()
        alice = self.login("alice")
        alice.send("JOIN #lab")
        alice.expect(r"\S+ 366 ")
        securechat("cert", "renew-list", "--dir", self.home.directory)
        self.server.wait_for_log("revocation lists 4")
        self.assertEqual([line for line in alice.exchange() if "NOTICE" in line], [])

    def test_what_is_revoked_while_the_server_is_down_is_gone_when_it_starts(self) -> None:
        self.login("alice", "phone").exchange()
        self.server.stop()
        self.revoke("alice/phone")
        self.server.start()
        alice = self.login("alice")
        self.assertEqual(len([line for line in alice.exchange("DEVICES") if " 371 " in line]), 1)


class OperatorTests(ServerCase):
    def test_revoke(self) -> None:
        boss, phone, laptop = self.boss(), self.login("alice", "phone"), self.login("alice")
        laptop.send("JOIN #lab")
        laptop.expect(r"\S+ 366 ")
        boss.send("REVOKE alice/phone :key-compromise left in the train")
        boss.expect(r"\S+ NOTE REVOKE REVOKED alice/phone :Revoked: 1 more on the list; ")
        phone.expect(r"ERROR :Your certificate was revoked \(key compromise\)$")
        phone.read_to_end()
        laptop.expect(
            r"\S+ NOTICE #lab :alice's device phone was revoked: key compromise,"
            r" left in the train$"
        )
        boss.send("REVOKE alice/phone")
        boss.expect(r"\S+ FAIL REVOKE NOTHING_TO_DO alice/phone :")
        boss.send("REVOKE alice/fone")
        boss.expect(r"\S+ FAIL REVOKE NO_SUCH_CERTIFICATE alice/fone :.* did you mean alice/phone")
        self.assert_refused(
            self.home.device("alice", "phone"), "the certificate of alice/phone is revoked"
        )

    def test_without_the_key(self) -> None:
        boss = self.boss()
        for path in self.layout.issuing_keys:
            path.rename(path.with_suffix(".away"))
        boss.send("REVOKE alice")
        boss.expect(r"\S+ FAIL REVOKE CANNOT_SIGN alice :.*run securechat revoke where the key")


class RemovalTests(ServerCase):
    def test_a_removed_device_is_revoked(self) -> None:
        """Also with a certificate that it has not used yet; nobody else is told."""
        laptop, phone = self.login("alice"), self.login("alice", "phone")
        laptop.send("JOIN #lab")
        unused = self.home.authority.certificate(Identity("alice", "phone"))
        laptop.send("DEVICES REMOVE phone")
        phone.expect("ERROR :This device was removed from the account alice by alice on laptop$")
        self.server.wait_for_log("revocation lists 2")
        self.assertTrue(read_lists(self.layout).revokes(unused))
        self.assert_refused(
            self.home.device("alice", "phone"), "the certificate of alice/phone is revoked"
        )
        self.assertEqual([line for line in laptop.exchange() if "NOTICE" in line], [])


class FilesTests(ServerCase):
    def test_a_list_that_is_broken_or_older_is_not_taken(self) -> None:
        """What was in force stays, and the log says why, once for each content."""
        phone = self.login("alice", "phone")
        older = self.layout.revocations.read_bytes()
        self.revoke("bob/laptop")
        self.server.wait_for_log("revocation lists 2")
        newest = self.layout.revocations.read_bytes()
        for content, why in ((older, "older than 2, which is in force"), (b"x", "not a numbered")):
            for _ in range(2):
                write_files({self.layout.revocations: content}, replace=True)
                self.server.wait_for_log(why)
                time.sleep(3 * INTERVAL)  # time for it to be told again
            self.assertEqual(self.server.log().count(why), 1)
            self.assert_refused(self.home.device("bob"), "the certificate of bob/laptop is revoked")
        self.assertEqual(phone.exchange(), [])
        write_files({self.layout.revocations: newest}, replace=True)
        self.revoke("alice/phone")
        phone.expect("ERROR :Your certificate was revoked$")

    def test_the_servers_certificate_is_renewed_in_place(self) -> None:
        """Two thirds of its life are over: the server does it as it starts, or by itself."""
        alice = self.login("alice")
        before = self.presented()
        securechat("ca", "renew-server", "--new-key", "--dir", self.home.directory)
        until(lambda: self.presented() != before, "the new certificate")
        self.assertEqual(alice.exchange(), [])
        self.login("bob")

    def test_an_old_one_is_renewed_at_the_start(self) -> None:
        (old, *_) = read_certificates(self.layout.server_certificate)
        public = read_server_key(self.layout.server_key, old).public_key()
        aged = issue_server(
            self.home.authority.issuing, public, ["localhost"], now() - timedelta(days=61)
        )
        chain = to_pem(aged) + to_pem(self.home.authority.issuing.certificate)
        self.server.stop()
        write_files({self.layout.server_certificate: chain}, replace=True)
        self.server.start()
        self.login("alice")
        (fresh, *_) = read_certificates(self.layout.server_certificate)
        self.assertGreater(fresh.not_valid_after_utc, now() + timedelta(days=89))
        self.assertEqual(fresh.public_key(), public)

    def presented(self) -> bytes:
        """Return the certificate that the server presents."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.server.port), 10) as tcp,
            context.wrap_socket(tcp) as connection,
        ):
            return connection.getpeercert(binary_form=True) or b""


class ExpiryTests(ServerCase):
    def test_a_session_ends_with_its_certificate(self) -> None:
        end = now() + timedelta(seconds=3)
        short = self.connect(self.issue(self.home, Identity("alice", "tablet"), end))
        laptop = self.login("alice")
        short.expect(
            r"ERROR :Your certificate ended on \S+ \S+ UTC: connect again with the renewed one,"
            r" or renew it first \(securechat renew\)$"
        )
        short.read_to_end()
        self.assertGreaterEqual(now(), end.replace(microsecond=0))
        self.assertEqual(laptop.exchange(), [])

    def test_who_is_late_is_warned_at_registration(self) -> None:
        for days, is_warned in ((9.5, False), (8.5, True), (2.5, True)):
            end = now() + timedelta(days=days)
            client = self.connect(self.issue(self.home, Identity("alice", "tablet"), end, 30))
            notices = [line for line in client.exchange() if "Your certificate ends on" in line]
            notices += [line for line in client.seen if "Your certificate ends on" in line]
            self.assertEqual(bool(notices), is_warned, (days, notices))
        self.assertRegex(
            notices[0],
            r" NOTICE alice :Your certificate ends on \S+ \S+ UTC, in 2 days: renew it with",
        )
