"""``securechat ca``: the authority, as an operator looks after it."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta

from chat.pki.authority import Identity, title
from chat.pki.files import read_certificates, write_files
from chat.pki.keys import encode_key, is_encrypted
from chat.pki.records import host_names
from tests.cli.networks import PASSPHRASE, NetworkCase
from tests.cli.programs import PROGRAM, ROOT, invoke, run
from tests.pki.networks import ALICE, now
from tests.server.tls_peers import meet, server

BOB = Identity("bob", "laptop")


class ListTests(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.network.device(ALICE)
        self.network.device(BOB, at=now() - timedelta(days=40))
        phone = self.network.certificate(Identity("alice", "phone"))
        self.network.revoke(phone.serial_number)

    def rows(self, *arguments: str) -> list[tuple[str, str]]:
        output = self.succeed("ca", "list", *arguments, "--json")
        return [(row["holder"], row["status"]) for row in json.loads(output)]

    def test_all(self) -> None:
        self.assertEqual(
            self.rows(),
            [
                ("bob/laptop", "expired"),
                ("alice/laptop", "valid"),
                ("alice/phone", "revoked"),
                ("localhost, 127.0.0.1, ::1", "valid"),
            ],
        )

    def test_filters(self) -> None:
        expired, revoked = ("bob/laptop", "expired"), ("alice/phone", "revoked")
        self.assertEqual(self.rows("--expired"), [expired])
        self.assertEqual(self.rows("--revoked"), [revoked])
        self.assertEqual(self.rows("--revoked", "--expired"), [expired, revoked])
        self.assertEqual(self.rows("bob"), [expired])
        self.assertEqual(self.rows("alice/phone", "--expired"), [])
        self.fail_with("did you mean alice", "ca", "list", "alize")

    def test_table(self) -> None:
        output = self.succeed("ca", "list")
        self.assertNotIn("\x1b", output)
        self.assertTrue(all(len(line) <= 80 for line in output.splitlines()))
        self.assertRegex(output, r"(?m)^alice/phone +[0-9a-f]{12} +\d{4}-\d\d-\d\d \S+ +revoked$")
        self.assertEqual(
            self.succeed("ca", "list", "alice", "--expired"), "No certificate is like that\n"
        )

    def test_unreadable(self) -> None:
        write_files({self.layout.issued / "junk.crt": b"junk"})
        result = self.call("ca", "list")
        self.assertEqual(result.exit_code, 0)
        self.assertRegex(result.stderr, "junk.crt is no certificate: restore it\n$")


class ShowTests(NetworkCase):
    def test_device(self) -> None:
        device = self.network.device()
        for what in ("alice/laptop", "alice", device.path(".crt"), device.combined):
            output = self.succeed("ca", "show", what)
            self.assertIn("the device laptop of the account alice.\n", output)
            self.assertIn("It is valid.\n", output)
            self.assertRegex(output, "good for +client\n")

    def test_json(self) -> None:
        certificate = self.network.certificate()
        serial = f"{certificate.serial_number:040x}"
        found = json.loads(self.succeed("ca", "show", serial[:10], "--json"))
        self.assertEqual(
            (found["kind"], found["account"], found["device"], found["serial"], found["status"]),
            ("device", "alice", "laptop", serial, "valid"),
        )
        self.assertEqual(found["issuer"], title(self.network.issuing.certificate.subject))

    def test_authority_and_server(self) -> None:
        output = self.succeed("ca", "show", self.layout.root_certificate)
        self.assertIn("of an authority: Testnet root authority.\nWhoever has its key", output)
        self.assertIn("It is valid.", output)
        output = self.succeed("ca", "show", self.layout.server_certificate)
        self.assertIn("that is reached as localhost, 127.0.0.1, ::1.", output)

    def test_without_a_network(self) -> None:
        device = self.network.device()
        result = invoke("ca", "show", device.combined, "--dir", self.mktemp())
        self.assertEqual(result.exit_code, 0, result.stderr)
        self.assertIn("Whether it is revoked is not known here.", result.stdout)

    def test_nobody(self) -> None:
        self.fail_with("issued to 'zoe'", "ca", "show", "zoe")
        self.fail_with("serial number 12345678", "ca", "show", "12345678")


class DoctorTests(NetworkCase):
    def test_all_is_well(self) -> None:
        output = self.succeed("ca", "doctor", "--strict")
        self.assertTrue(all(line.startswith("OK") for line in output.splitlines()), output)
        self.assertNotIn("\x1b", output)

    def test_failure(self) -> None:
        self.layout.server_key.chmod(0o644)
        result = self.call("ca", "doctor", "--json")
        self.assertEqual(result.exit_code, 1)
        failures = [each for each in json.loads(result.stdout) if each["level"] == "FAIL"]
        self.assertTrue(any("chmod 600" in each["remedy"] for each in failures))

    def test_warning(self) -> None:
        self.encrypt()
        self.assertRegex(
            self.succeed("ca", "doctor"), "WARN +issuing key .*no passphrase\n +-> set"
        )
        self.assertEqual(self.call("ca", "doctor", "--strict").exit_code, 1)

    def test_configuration(self) -> None:
        self.layout.server_key.unlink()
        result = self.call("ca", "doctor")
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(result.stdout, "^FAIL +configuration: .*tls.key: found .*\n +-> mend")


class RenewServerTests(NetworkCase):
    def test_as_before(self) -> None:
        old, *_ = read_certificates(self.layout.server_certificate)
        self.assertIn("for localhost, 127.0.0.1, ::1", self.succeed("ca", "renew-server"))
        new, *_ = read_certificates(self.layout.server_certificate)
        self.assertNotEqual(old, new)
        self.assertEqual(old.public_key(), new.public_key())

    def test_other_names_and_key(self) -> None:
        old, *_ = read_certificates(self.layout.server_certificate)
        self.succeed("ca", "renew-server", "--host", "chat.lab.example", "--new-key", "--days", 9)
        new, *_ = read_certificates(self.layout.server_certificate)
        self.assertEqual(host_names(new), ["chat.lab.example"])
        self.assertNotEqual(old.public_key(), new.public_key())
        self.assertLess(new.not_valid_after_utc, now() + timedelta(days=10))
        server(self.layout)

    def test_from_elsewhere(self) -> None:
        write_files({self.directory / "other.crt": self.layout.server_certificate.read_bytes()})
        self.configure('certificate = "keys/server.crt"', 'certificate = "other.crt"')
        self.fail_with("which this authority did not make", "ca", "renew-server")


class RotationTests(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.device = self.network.device()
        self.old = self.network.issuing.certificate
        self.stick = self.directory / "stick"

    def test_on_one_machine(self) -> None:
        output = self.succeed("ca", "rotate-issuing")
        self.assertRegex(output, "^Testnet issuing authority [0-9a-f]{8} signs from now on")
        self.assertNotEqual(self.network.issuing.certificate, self.old)
        tls = server(self.layout)
        for device in (self.device, self.network.device()):
            self.assertEqual(meet(tls, device).server.identity, "alice/laptop")

    def test_root_elsewhere(self) -> None:
        self.succeed("ca", "move-root", self.stick)
        self.assertFalse(self.layout.root_key.exists())
        self.fail_with("root.key is not there: say with --root DIR", "ca", "rotate-issuing")
        self.succeed("ca", "rotate-issuing", "--root", self.stick)
        self.assertNotEqual(self.network.issuing.certificate, self.old)

    def test_by_another_machine(self) -> None:
        self.succeed("ca", "move-root", self.stick)
        request, answer = self.stick / "issuing.csr", self.stick / "issuing.crt"
        self.assertIn("which stays here", self.succeed("ca", "request", "--out", request))
        # That machine knows nothing of the network but what is on the stick.
        signed = invoke("ca", "sign", request, "--root", self.stick, "--out", answer)
        self.assertEqual((signed.exit_code, signed.stderr), (0, ""))
        self.assertIn("signs from now on", self.succeed("ca", "install", answer))
        self.assertEqual([self.network.issuing.certificate], read_certificates(answer))
        self.assertEqual(meet(server(self.layout), self.device).server.identity, "alice/laptop")

    def test_passphrases(self) -> None:
        """The new key gets the passphrase of the old one; the root may have another."""
        file = self.encrypt()
        root_file = self.directory / "root-passphrase"
        write_files({root_file: b"deep vault\n"})
        pem = encode_key(self.network.root.key, b"deep vault")
        write_files({self.layout.root_key: pem}, replace=True)
        option = ("--passphrase-file", file)
        wrong = ("--passphrase-file", root_file)
        self.fail_with(
            "root.key is encrypted and there is no terminal", "ca", "rotate-issuing", *option
        )
        self.fail_with("does not open .*issuing-", "ca", "rotate-issuing", *wrong)
        self.succeed("ca", "rotate-issuing", *option, "--root-passphrase-file", root_file)
        keys = self.layout.issuing_keys
        self.assertEqual([is_encrypted(path.read_bytes()) for path in keys], [True, True])
        self.succeed("cert", "issue", "bob", "--out", self.directory / "bob", *option)

    def test_one_passphrase(self) -> None:
        file = self.encrypt()
        pem = encode_key(self.network.root.key, PASSPHRASE)
        write_files({self.layout.root_key: pem}, replace=True)
        self.succeed("ca", "rotate-issuing", "--passphrase-file", file)

    def test_retire(self) -> None:
        self.assertIn("Nothing to do", self.succeed("ca", "retire"))
        self.succeed("ca", "rotate-issuing")
        self.assertIn("1 devices that get in", self.succeed("ca", "retire"))
        self.fail_with("is no earlier issuing authority: [0-9a-f]{8}", "ca", "retire", "abc")
        self.succeed("revoke", "alice")
        self.assertIn("nothing that it signed gets in", self.succeed("ca", "retire"))
        self.succeed("ca", "doctor", "--strict")

    def test_retire_at_once(self) -> None:
        """The issuing key was stolen."""
        self.succeed("ca", "rotate-issuing")
        earlier = self.succeed("ca", "retire").split()[0]
        self.fail_with("lock them out with --force", "ca", "retire", earlier)
        self.succeed("ca", "retire", earlier, "--force")
        refusal = meet(server(self.layout), self.device).refusal
        self.assertEqual(refusal, "there is no revocation list of its certificate's authority")


#: Ends the process, as SIGKILL would, when it is about to put file number N in place.
_KILLED = """
import os, sys
from pathlib import Path
from chat.cli.main import main
count, replace = int(sys.argv.pop(1)), Path.replace
def killed(path, target):
    global count
    if count == 0:
        os._exit(9)
    count -= 1
    return replace(path, target)
Path.replace = killed
main()
"""


class KilledTests(NetworkCase):
    """The program itself, killed: the network works, and what was begun can be done."""

    def test_rotation(self) -> None:
        device = self.network.device()
        arguments = ["ca", "rotate-issuing", "--dir", str(self.directory)]
        for count in range(4):
            done = subprocess.run(
                [*PROGRAM[:1], "-c", _KILLED, str(count), *arguments],
                cwd=ROOT,
                capture_output=True,
                check=False,
            )
            self.assertEqual(done.returncode, 9, done.stderr)
            tls = server(self.layout)
            for each in (device, self.network.device()):
                self.assertEqual(meet(tls, each).server.identity, "alice/laptop")
        self.assertIn("unfinished file", self.call("ca", "doctor").stdout)
        done = run(arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(meet(server(self.layout), device).server.identity, "alice/laptop")
