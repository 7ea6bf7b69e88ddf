"""From a code to a certificate, and all the ways in which there is none."""

from __future__ import annotations

import contextlib  # not suppress alone: trial would take it for an attribute of the tests
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import TestCase

from chat.client import enrolment as client
from chat.client.profile import Address, Choice, Profile, choose, load_credentials
from chat.client.renewal import renew_profile
from chat.pki import enrolment
from chat.pki.authority import Identity
from chat.pki.bundles import DeviceFiles
from chat.pki.enrolment import Issued, Terms
from chat.pki.errors import InvitationError, PkiError
from chat.pki.files import write_files
from chat.pki.invitation import Invitation, prove, public_part
from chat.pki.keys import encode_key
from chat.pki.requests import make_device_request
from tests.cli.programs import run
from tests.live.irc import IRC
from tests.pki.networks import Network, now
from tests.support.servers import PASSWORD, Server, make_home, securechat, until


def keep(network: str, root: x509.Certificate, terms: Terms) -> str | None:
    """Choose the password that everybody here has."""
    return PASSWORD if terms.needs_password else None


class EnrolmentCase(TestCase):
    def setUp(self) -> None:
        self.home = make_home()
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def code(self, *arguments: object) -> str:
        address = f"localhost:{self.server.port}"
        return securechat(
            "invite", *arguments, "--address", address, "--dir", self.home.directory
        ).strip()

    def invite(self, *arguments: object) -> Invitation:
        return Invitation.parse(self.code(*arguments))

    def refuse(self, invitation: Invitation) -> str:
        """Return why there is no certificate."""
        with self.assertRaises((InvitationError, PkiError)) as caught:
            client.join(invitation, keep)
        return str(caught.exception)


class JoinTests(EnrolmentCase):
    def test_one_command_from_code_to_first_message(self) -> None:
        out = Path(self.mktemp()).absolute()
        done = run(
            ["join", self.code("carol"), "--out", out, "--password-file", self.home.password_file],
            text="/join #lab\nhello\n",
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("#lab <carol> hello", done.stdout)
        for path in out.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        profile = choose(Choice(directory=str(out)), Path())
        self.assertEqual(profile.account, "carol")
        self.assertIn("used 2", securechat("invitations", "list", "--dir", self.home.directory))

    def test_another_device_of_an_account_needs_no_password(self) -> None:
        enrolled = client.join(self.invite("ALICE", "--device", "phone"), keep)
        self.assertEqual(enrolled.identity, Identity("alice", "phone"))
        self.assertIsNone(enrolled.password)

    def test_only_the_key_of_a_request_counts(self) -> None:
        enrolled = client.join(self.invite("dave", "--role", "admin"), keep)
        own = enrolled.certificates[0]
        self.assertEqual(own.subject.rfc4514_string(), "CN=dave")
        self.assertEqual(Identity.from_certificate(own), Identity("dave", "laptop"))
        self.assertLess(own.not_valid_after_utc - now(), timedelta(days=30, minutes=1))
        accounts = securechat("user", "list", "--dir", self.home.directory)
        self.assertRegex(accounts, r"dave +admin")

    def test_who_does_not_agree_uses_nothing_up(self) -> None:
        invitation = self.invite("erin")

        def decline(*_: object) -> str:
            raise KeyboardInterrupt

        self.assertRaises(KeyboardInterrupt, client.join, invitation, decline)
        self.assertEqual(client.join(invitation, keep).identity.account, "erin")

    def test_a_profile_of_somebody_else_is_not_overwritten(self) -> None:
        out = self.home.device("bob").directory
        before = {path: path.read_bytes() for path in out.iterdir()}
        code = self.code("frank")
        done = run(
            ["join", code, "--out", out, "--password-file", self.home.password_file, "--no-connect"]
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("the invitation is still good", done.stderr)
        self.assertEqual({path: path.read_bytes() for path in out.iterdir()}, before)
        self.assertEqual(client.join(Invitation.parse(code), keep).identity.account, "frank")


class PlaceTests(EnrolmentCase):
    """Where the profile goes: nothing of somebody else's is overwritten, nor an invitation lost."""

    def setUp(self) -> None:
        super().setUp()
        self.config = Path(self.mktemp()).absolute()
        self.profiles = self.config / "securechat" / "profiles"

    def join(
        self, *arguments: object, text: str = "", config: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        password = ("--password-file", self.home.password_file, "--no-connect")
        home = {"XDG_CONFIG_HOME": str(config or self.config)}
        return run(["join", *arguments, *password], text=text, env=home)

    def test_a_code_that_is_pasted_in_several_lines(self) -> None:
        code = self.code("alice")
        done = self.join(text=f"{code[:30]}\n{code[30:50]}\n  {code[50:]}\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Next time: securechat\n", done.stderr)

    def test_another_account_of_the_network_has_a_profile_of_its_own(self) -> None:
        for account, name in (("alice", "securechat"), ("carol", "securechat-carol")):
            for _ in range(2):  # the second time as after a reinstallation
                self.assertEqual(self.join(self.code(account)).returncode, 0)
            profile = choose(Choice(directory=name), self.profiles)
            self.assertEqual(profile.account, account)

    def test_another_network_of_that_name_has_too(self) -> None:
        self.join(self.code("alice"))
        authority = self.profiles / "securechat" / "ca.crt"
        other = Network.make(Path(self.mktemp())).layout.root_certificate.read_bytes()
        authority.write_bytes(other)
        self.assertEqual(self.join(self.code("alice")).returncode, 0)
        self.assertEqual(authority.read_bytes(), other)
        self.assertTrue((self.profiles / "securechat-alice" / "profile.toml").exists())
        (self.profiles / "securechat-alice" / "ca.crt").write_bytes(other)
        done = self.join(self.code("alice"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no profile of alice on securechat: give --out DIR", done.stderr)

    def test_nothing_can_be_written(self) -> None:
        """It is found out before the invitation is used up."""
        file = Path(self.mktemp())
        file.touch()
        code = self.code("alice")
        done = self.join(code, config=file.absolute())
        self.assertEqual(done.returncode, 1)
        self.assertIn("the invitation is still good", done.stderr)
        self.assertEqual(self.join(code).returncode, 0)


class SessionTests(EnrolmentCase):
    """Invitations that are asked for over IRC."""

    def setUp(self) -> None:
        super().setUp()
        self.home.configure(
            listen=f'tls = ["127.0.0.1:0"]\naddress = "localhost:{self.server.port}"'
        )
        self.rehash()
        self.laptop = IRC.login(self.server.port, self.home.device("alice"))
        self.addCleanup(self.laptop.close)

    def rehash(self) -> None:
        assert self.server.process is not None
        before = self.server.log().count("was read again")
        self.server.process.send_signal(signal.SIGHUP)
        until(lambda: self.server.log().count("was read again") > before, "the configuration")

    def test_a_device_brings_the_next_one_in(self) -> None:
        self.laptop.send("DEVICES INVITE phone")
        code = self.laptop.expect(r"\S+ NOTE DEVICES INVITED phone (\S+) :Good until ")[1]
        enrolled = client.join(Invitation.parse(code), keep)
        self.assertEqual(enrolled.identity, Identity("alice", "phone"))
        self.assertIn("used already", self.refuse(Invitation.parse(code)))
        self.assertIn("invited the device phone of alice, until ", self.server.log())
        secret = code.rpartition("/")[2]
        for path in self.home.directory.rglob("*"):
            if path.is_file():
                self.assertNotIn(secret.encode(), path.read_bytes(), path)

    def test_the_commands(self) -> None:
        """``securechat device`` over a connection of a profile, for scripts and for people."""
        device = self.home.device("alice")
        profile = (
            *(f"localhost:{self.server.port}", "--cert", device.pem, "--ca", device.ca),
            *("--password-file", self.home.password_file),
        )
        code = securechat("device", "add", "phone", "--expires", "1h", *profile).strip()
        self.assertEqual(client.join(Invitation.parse(code), keep).identity.device, "phone")
        listed = securechat("device", "list", *profile)
        self.assertRegex(listed, r"^laptop \(this device\): connected [^\n]*\n$")
        tablet = IRC.login(self.server.port, self.home.device("alice", "tablet"))
        self.addCleanup(tablet.close)
        self.assertIn("is removed", securechat("device", "remove", "tablet", *profile))
        tablet.expect(r"ERROR :This device was removed")
        for words, refusal in (
            (("remove", "tablet"), "Your account has no such device"),
            (("remove", "laptop"), "It is your last device"),
            (("add", "9"), "A device's name is a letter"),
            (("add", "two words"), "write one word"),
        ):
            done = run(["device", *words, *profile])
            self.assertEqual((done.returncode, done.stdout), (1 + ("word" in refusal), ""), done)
            self.assertRegex(done.stderr, f"^securechat: [^\n]*{refusal}[^\n]*\n$")
        done = run(["device", "list", *profile[:-2]])
        self.assertIn("wants the password of alice: give --password-file", done.stderr)
        self.server.stop()
        done = run(["device", "list", *profile])
        self.assertRegex(done.stderr, "^securechat: cannot reach localhost:[^\n]*\n$")

    def test_so_many_are_open_at_once(self) -> None:
        for number in range(5):
            self.laptop.send(f"DEVICES INVITE d{number}")
            self.laptop.expect(rf"\S+ NOTE DEVICES INVITED d{number} ")
        self.laptop.send("DEVICES INVITE one-more")
        self.laptop.expect(r"\S+ FAIL DEVICES TOO_MANY_INVITATIONS alice :5 invitations of alice")

    def test_a_server_that_cannot_sign(self) -> None:
        [path] = self.home.authority.layout.issuing_keys
        write_files({path: encode_key(self.home.authority.issuing.key, b"x")}, replace=True)
        self.laptop.send("DEVICES INVITE phone")
        self.laptop.expect(r"\S+ FAIL DEVICES CANNOT_SIGN phone :This server cannot sign")
        self.assertIn("Nothing can be signed", self.server.log())
        self.assertNotIn("Traceback", self.server.log())

    def test_an_address_that_the_certificate_is_not_for(self) -> None:
        self.home.configure(listen='tls = ["127.0.0.1:0"]\naddress = "elsewhere.example:1"')
        self.rehash()
        self.laptop.send("DEVICES INVITE phone")
        self.laptop.expect(r"\S+ FAIL DEVICES CANNOT_SIGN phone ")
        self.assertIn("ca renew-server --host elsewhere.example", self.server.log())

    def test_an_operator_brings_a_person_in(self) -> None:
        securechat(
            *("user", "add", "boss", "--role", "operator", "--dir", self.home.directory),
            *("--password-file", self.home.password_file),
        )
        boss = IRC.login(self.server.port, self.home.device("boss"))
        self.addCleanup(boss.close)
        boss.send("OPER", "INVITATION carol")
        code = boss.expect(r"\S+ NOTE INVITATION INVITED laptop (\S+) :Good until ")[1]
        enrolled = client.join(Invitation.parse(code), keep)
        self.assertEqual((enrolled.identity.account, enrolled.password), ("carol", PASSWORD))


class AttackTests(EnrolmentCase):
    def test_used(self) -> None:
        invitation = self.invite("gina")
        client.join(invitation, keep)
        self.assertIn("used already", self.refuse(invitation))

    def test_a_race_of_eight_has_one_winner(self) -> None:
        invitation = self.invite("hugo")
        all_ready = threading.Barrier(8)

        def wait(*terms: object) -> str:
            all_ready.wait(30)
            return PASSWORD

        def race(_: int) -> str:
            try:
                return client.join(invitation, wait).identity.account
            except InvitationError as error:
                return str(error)

        with ThreadPoolExecutor(8) as threads:
            results = sorted(threads.map(race, range(8)))
        self.assertEqual(results.count("hugo"), 1, results)
        self.assertEqual(sum("used already" in result for result in results), 7, results)

    def test_expired(self) -> None:
        invitation = self.invite("ines", "--expires", "1s")
        end = time.time() + 1
        until(lambda: time.time() > end, "the end of the invitation")
        self.assertIn("expired on", self.refuse(invitation))

    def test_withdrawn(self) -> None:
        invitation = self.invite("jana")
        name = public_part(invitation.key()).hex()[:8]
        securechat("invitations", "withdraw", name, "--dir", self.home.directory)
        self.assertIn("withdrawn", self.refuse(invitation))

    def test_of_another_network(self) -> None:
        foreign = evolve(self.invite("kurt"), fingerprint=b"x" * 16)
        self.assertIn("of another network than the code", self.refuse(foreign))

    def test_a_server_that_only_shows_the_right_authority(self) -> None:
        """It is sent nothing."""
        other = Network.make(Path(self.mktemp()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(other.layout.server_certificate, other.layout.server_key)
        context.set_alpn_protocols([enrolment.JOIN.decode()])
        received = []

        def serve(listening: socket.socket) -> None:
            with context.wrap_socket(listening.accept()[0], server_side=True) as connection:
                root = self.home.authority.layout.root_certificate.read_text()
                connection.sendall(enrolment.encode(enrolment.Greeting("securechat", root)))
                with contextlib.suppress(OSError):
                    received.append(connection.recv(1))

        with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as thread:
            listening.settimeout(20)
            served = thread.submit(serve, listening)
            address = f"localhost:{listening.getsockname()[1]}"
            refusal = self.refuse(evolve(self.invite("lisa"), address=address))
            served.result(20)
        self.assertIn("did not prove that it is localhost", refusal)
        self.assertEqual(received, [b""])

    def test_a_proof_is_good_in_its_own_session_only(self) -> None:
        """Who is in between, and passes a proof on, gets nothing."""
        invitation = self.invite("mona")
        key = invitation.key()
        with self.line() as elsewhere:
            elsewhere.receive(enrolment.Greeting)
            exported = elsewhere.exported()
        with self.line() as line:
            line.receive(enrolment.Greeting)
            line.send(enrolment.Open(public_part(key), prove(key, exported)))
            with self.assertRaises(InvitationError) as caught:
                line.receive(Terms)
        self.assertIn("unknown here", str(caught.exception))
        self.assertEqual(client.join(invitation, keep).identity.account, "mona")

    def test_who_is_refused_and_stays_is_cut(self) -> None:
        """Nor is what it sends then looked at, or written to the log line by line."""
        with self.line() as line:
            line.receive(enrolment.Greeting)
            line._connection.sendall(b"nonsense\n" * 500)
            line._raw.settimeout(20)
            with contextlib.suppress(ConnectionError):
                while line._raw.recv(4096):
                    pass
        self.assertEqual(self.server.log().count("Refused 127.0.0.1 a certificate"), 1)

    def test_out_of_turn_and_nonsense(self) -> None:
        for sent in (
            enrolment.encode(enrolment.Enrol("PEM", "x")),
            enrolment.encode(enrolment.Renew("PEM")),
            enrolment.encode(enrolment.Issued("PEM")),
            b"NICK alice\r\n",
            b"\xff\n",
            b"x" * 40_000,
        ):
            with self.line() as line:
                line.receive(enrolment.Greeting)
                line._connection.sendall(sent)
                with self.assertRaises(InvitationError):
                    line.receive(Issued)
        self.assertNotIn("Traceback", self.server.log())

    def line(self) -> client._Line:
        return client._Line.open(Address("localhost", self.server.port), enrolment.JOIN)


class GuessingTests(EnrolmentCase):
    def test_guesses_are_slowed(self) -> None:
        invitation = self.invite("nora")
        refusals = [self.refuse(evolve(invitation, secret=bytes([n] * 16))) for n in range(5)]
        self.assertIn("unknown here", refusals[0])
        self.assertIn("Too many attempts", refusals[-1])
        # Even who has the code waits, and it is as good as before.
        self.assertIn("Too many attempts", self.refuse(invitation))


class LockedTests(EnrolmentCase):
    def test_a_key_that_the_server_cannot_open(self) -> None:
        """The invitation is not used up, and the cause is the operator's business."""
        [path] = self.home.authority.layout.issuing_keys
        pem = path.read_bytes()
        encrypted = encode_key(self.home.authority.issuing.key, b"x")
        write_files({path: encrypted}, replace=True)
        invitation = self.invite("olga")
        self.assertIn("cannot sign certificates now", self.refuse(invitation))
        self.assertIn("Nothing can be signed", self.server.log())
        write_files({path: pem}, replace=True)
        self.assertEqual(client.join(invitation, keep).identity.account, "olga")


class RenewalTests(EnrolmentCase):
    def profile(self, device: str, **certificate: Any) -> Profile:
        """Return the profile of a device of Alice's, with a certificate of that kind."""
        identity = Identity("alice", device)
        return self.profile_of(self.home.authority.device(identity, **certificate))

    def profile_of(self, files: DeviceFiles) -> Profile:
        choice = Choice(
            certificate=files.combined,
            authority=self.home.authority.layout.root_certificate,
            host=f"localhost:{self.server.port}",
        )
        return choose(choice, Path())

    def test_with_the_same_key_or_another(self) -> None:
        profile = self.profile("tablet")
        renewed = renew_profile(profile)
        again = renew_profile(renewed, with_new_key=True)
        keys = [each.credentials.certificates[0].public_key() for each in (profile, renewed, again)]
        self.assertEqual(keys[0], keys[1])
        self.assertNotEqual(keys[1], keys[2])
        serials = {
            each.credentials.certificates[0].serial_number for each in (profile, renewed, again)
        }
        self.assertEqual(len(serials), 3)
        source = profile.credentials.source
        assert source is not None
        stored = load_credentials(source, self.home.authority.layout.root_certificate)
        self.assertEqual(stored.certificates, again.credentials.certificates)
        self.assertEqual(
            source.with_suffix(".crt").read_bytes(),
            stored.certificates[0].public_bytes(Encoding.PEM),
        )

    def test_not_in_masses(self) -> None:
        profile = self.profile("greedy")
        for _ in range(4):
            profile = renew_profile(profile)
        with self.assertRaises(InvitationError) as caught:
            renew_profile(profile)
        self.assertIn("Too many attempts", str(caught.exception))

    def test_within_the_grace_once(self) -> None:
        profile = self.profile("old", at=now() - timedelta(days=34))
        renewed = renew_profile(profile)
        self.assertLess(now(), renewed.credentials.certificates[0].not_valid_after_utc)
        with self.assertRaises(InvitationError) as caught:
            renew_profile(profile)
        self.assertIn("renewed once already", str(caught.exception))

    def test_behind_the_grace(self) -> None:
        with self.assertRaises(InvitationError) as caught:
            renew_profile(self.profile("older", at=now() - timedelta(days=38)))
        self.assertIn("expired on", str(caught.exception))
        self.assertIn("ask for an invitation", str(caught.exception))

    def test_revoked_while_it_renews(self) -> None:
        own = self.profile("tablet").credentials
        assert isinstance(own.key, ec.EllipticCurvePrivateKey)
        context = client._context(enrolment.RENEW)
        context.use_certificate(own.certificates[0])
        context.use_privatekey(own.key)
        address = Address("localhost", self.server.port)
        with client._Line.open(address, enrolment.RENEW, context) as line:
            securechat("revoke", "alice/tablet", "--dir", self.home.directory)
            self.server.wait_for_log("revocation lists 2")
            line.send(enrolment.Renew(make_device_request(own.key).decode()))
            with self.assertRaises((InvitationError, PkiError)) as caught:
                line.receive(Issued)
        self.assertIn("The certificate of alice/tablet is revoked", str(caught.exception))

    def test_an_account_that_is_gone(self) -> None:
        files = self.home.authority.device(Identity("nobody", "laptop"))
        with self.assertRaises(InvitationError) as caught:
            renew_profile(self.profile_of(files))
        self.assertIn("There is no account nobody any more", str(caught.exception))

    def test_another_authority_s_certificate(self) -> None:
        other = Network.make(Path(self.mktemp())).device()
        self.assertRaises(PkiError, renew_profile, self.profile_of(other))

    def test_the_command(self) -> None:
        device = self.home.device("bob", "weechat")
        before = device.pem.read_bytes()
        host = f"localhost:{self.server.port}"
        command = ("renew", host, "--cert", device.pem, "--ca", device.ca)
        self.assertIn("Not due before", securechat(*command, "--if-due"))
        self.assertEqual(device.pem.read_bytes(), before)
        self.assertIn("valid until", securechat(*command))
        self.assertNotEqual(device.pem.read_bytes(), before)
