"""CLIENTCERT: devices for programs."""

from __future__ import annotations

from hashlib import sha512

from tests.features.test_devices import DAY, DeviceCase, day
from tests.support.world import World

CERT = "soju.im/client-cert"


def digest(certificate: str) -> str:
    return sha512(certificate.encode()).hexdigest().upper()


class ClientCertTests(DeviceCase):
    def setUp(self) -> None:
        super().setUp()
        self.laptop = self.enter("alice", "laptop", f"batch {CERT}", host="192.0.2.7")
        self.world.clock.advance(60)
        self.phone = self.enter("alice", "phone", CERT, host="unix", expires=day(2))
        self.line = (
            f":irc.test CLIENTCERT LIST {digest('alice/laptop')} name=laptop"
            " time=2023-11-14T22:13:20.000Z ip=192.0.2.7 expires=2023-12-14T22:13:20.000Z"
        )

    def test_capability(self) -> None:
        """ "This extension defines a `soju.im/client-cert` capability"."""
        client = self.world.connect()
        client.send("CAP LS 302")
        self.assertIn(CERT, " ".join(client.lines()).split())

    def test_list(self) -> None:
        """ "the server MUST reply to a `LIST` subcommand using a single batch"."""
        begin, *lines, end = self.laptop.exchange("CLIENTCERT LIST")
        self.assertEqual(begin, f":irc.test BATCH +client-cert {CERT}")
        self.assertEqual(end, ":irc.test BATCH -client-cert")
        self.assertEqual(
            lines,
            [
                f"@batch=client-cert {self.line}",
                f"@batch=client-cert :irc.test CLIENTCERT LIST {digest('alice/phone')} name=phone"
                " time=2023-11-14T22:14:20.000Z expires=2023-11-16T22:13:20.000Z",
            ],
        )

    def test_list_without_batch(self) -> None:
        """ "one `LIST` subcommand per pinned certificate associated with the account"."""
        self.world.clock.advance(2 * DAY)
        self.assertEqual(self.phone.exchange("CLIENTCERT list"), [self.line])

    def test_time_is_that_of_the_last_login(self) -> None:
        """ "the time of the last successful authentication attempt"."""
        self.world.clock.advance(60)
        self.laptop.disconnect()
        self.assertIn(
            "name=laptop time=2023-11-14T22:13:20.", self.phone.exchange("CLIENTCERT LIST")[0]
        )

    def test_delete(self) -> None:
        """ "it MUST reply with the same `DELETE` subcommand as sent by the client"."""
        wanted = digest("alice/laptop").lower()
        self.assertEqual(
            self.phone.exchange(f"CLIENTCERT DELETE {wanted}"),
            [f":irc.test CLIENTCERT DELETE {wanted}"],
        )
        self.assertTrue(self.laptop.is_closed)
        again = self.world.device("alice", "laptop")
        again.enter("alice")
        self.assertEqual(again.commands()[-2:], ["FAIL", "ERROR"])

    def test_delete_of_ones_own(self) -> None:
        """ "Otherwise, only the pinned certificate that has the fingerprint of the TLS client
        certificate of the current IRC connection is deleted."
        """
        answer, error = self.laptop.exchange("CLIENTCERT DELETE")
        self.assertEqual(answer, ":irc.test CLIENTCERT DELETE")
        self.assertTrue(error.startswith("ERROR :This device was removed"), error)
        self.assertFalse(self.phone.is_closed)

    def test_delete_takes_one_certificate_of_a_device(self) -> None:
        """ "only the pinned certificate that has this fingerprint may be deleted"."""
        renewed = self.enter("alice", "laptop", certificate="second")
        self.phone.send(f"CLIENTCERT DELETE {digest('alice/laptop')}")
        self.assertTrue(self.laptop.is_closed)
        self.assertFalse(renewed.is_closed)

    def test_failures(self) -> None:
        """ "it MUST send a standard failure message of the following format"."""
        self.phone.send(f"CLIENTCERT DELETE {digest('alice/laptop')}")
        for line, answer in (
            ("CLIENTCERT DELETE", "INTERNAL_ERROR DELETE :It is your last device: "),
            ("CLIENTCERT DELETE abcd", "INTERNAL_ERROR DELETE :Your account has no such"),
            ("CLIENTCERT CREATE :my phone", "INTERNAL_ERROR CREATE :Certificates come from"),
            ("CLIENTCERT frob x", "UNKNOWN_COMMAND FROB :Unknown subcommand"),
        ):
            (refused,) = self.phone.exchange(line)
            self.assertIn(f":irc.test FAIL CLIENTCERT {answer}", refused)
        self.assertFalse(self.phone.is_closed)

    def test_a_guest_has_no_certificates(self) -> None:
        """ "the client is authenticated using SASL"."""
        guest = World().client("guest")
        for word in ("LIST", "DELETE"):
            (refused,) = guest.exchange(f"CLIENTCERT {word}")
            self.assertIn(f" FAIL CLIENTCERT INTERNAL_ERROR {word} :Log in ", refused)
