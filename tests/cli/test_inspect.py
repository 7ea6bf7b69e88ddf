"""``securechat inspect``: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
from pathlib import Path

from click.testing import Result
from rich.console import Console
from twisted.trial.unittest import SynchronousTestCase

from chat.inspection.printer import printable, show
from chat.inspection.probe import inspect
from chat.inspection.target import Target
from tests.cli.programs import invoke
from tests.inspection.servers import DAY, Listener, Signed, serve_tls, sign, speak, tls_context

ROOT = sign("Root", authority=True)
EVIL = "\x1b[2Jevil\u202e"


class InspectTests(SynchronousTestCase):
    def serve(self, own: Signed | None = None) -> Listener:
        listener = serve_tls(tls_context(own or sign("leaf", ROOT, names=["localhost"])))
        self.addCleanup(listener.close)
        return listener

    def ca(self) -> Path:
        path = Path(self.mktemp())
        path.write_bytes(ROOT.pem)
        return path

    def look(self, listener: Listener, *arguments: object) -> Result:
        return invoke("inspect", f"localhost:{listener.port}", "--ca", self.ca(), *arguments)

    def test_verified(self) -> None:
        result = self.look(self.serve())
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertRegex(result.output, r"^VERIFIED  localhost:\d+ at 127.0.0.1:\d+\n")
        self.assertRegex(result.output, r"TLS 1\.2 resumed +1 +2 +3 ")
        self.assertNotIn("\x1b", result.output)
        self.assertLessEqual(max(map(len, result.output.splitlines())), 80)

    def test_not_verified(self) -> None:
        own = sign("leaf", ROOT, names=["localhost"], start=-9 * DAY, end=-DAY)
        result = self.look(self.serve(own))
        self.assertEqual(result.exit_code, 3)
        self.assertRegex(result.output, r"^NOT VERIFIED ")
        self.assertRegex(result.output, r"expired: the certificate of CN=leaf expired on")
        self.assertIn("-> ask who runs the server to renew it", result.output)

    def test_not_tls(self) -> None:
        listener = speak(b"SSH-2.0-x\r\n")
        self.addCleanup(listener.close)
        result = self.look(listener)
        self.assertEqual(result.exit_code, 1)
        self.assertIn("not-tls: the server speaks SSH, not TLS", result.output)

    def test_usage(self) -> None:
        for arguments, words in (
            ((), "give HOST"),
            (("x:y",), "no address"),
            (("localhost", "--ca", "missing.crt"), "missing.crt"),
            (("localhost", "--dir", "x", "--ca", self.ca()), "exclude each other"),
            (("localhost", "--name", "a b"), "no host name"),
            (("localhost", "--timeout", "0"), "timeout"),
        ):
            result = invoke("inspect", *arguments)
            self.assertEqual(result.exit_code, 2, arguments)
            self.assertRegex(result.stderr, rf"^securechat: [^\n]*{words}[^\n]*\n$")

    def test_json(self) -> None:
        result = self.look(self.serve(), "--json")
        self.assertEqual(result.exit_code, 0)
        document = json.loads(result.output)
        self.assertEqual(
            list(document),
            [
                "target",
                "name",
                "trust",
                "outcome",
                "problems",
                "notes",
                "reached",
                "tcp_milliseconds",
                "chain",
                "client_certificate",
                "alpn",
                "handshakes",
            ],
        )
        self.assertEqual(document["outcome"], "verified")
        self.assertEqual(document["chain"][0]["names"], ["localhost"])
        self.assertRegex(document["chain"][0]["valid_until"], r"^\d{4}-\d\d-\d\dT.*\+00:00$")
        self.assertEqual(
            [(row["version"], row["resuming"]) for row in document["handshakes"]],
            [("TLS 1.3", False), ("TLS 1.3", True), ("TLS 1.2", False), ("TLS 1.2", True)],
        )

    def test_json_of_nobody(self) -> None:
        """The shape is the same without a connection."""
        listener = self.serve()
        port = listener.port
        reached = json.loads(self.look(listener, "--json").output)
        listener.close()
        result = invoke("inspect", f"localhost:{port}", "--json")
        self.assertEqual(result.exit_code, 1)
        document = json.loads(result.output)
        self.assertEqual(list(document), list(reached))
        self.assertEqual(document["outcome"], "unreachable")
        self.assertEqual(document["problems"][0]["kind"], "unreachable")

    def test_nothing_of_the_server_acts_on_the_terminal(self) -> None:
        own = sign(EVIL, names=["[red]x"])
        listener = self.serve(own)
        report = inspect(Target("127.0.0.1", listener.port, "localhost"), 10)
        output = io.StringIO()
        show(report, Console(file=output, highlight=False, width=80))
        self.assertNotIn("\x1b", output.getvalue())
        self.assertNotIn("\u202e", output.getvalue())
        self.assertIn(r"\x1b[2Jevil\u202e", output.getvalue())
        self.assertIn("[red]x", output.getvalue())
        self.assertEqual(printable("Zürich 東京"), "Zürich 東京")

    def test_colour_is_for_terminals(self) -> None:
        report = inspect(Target("127.0.0.1", self.serve().port, "localhost"), 10)
        for environment, colour in (({}, True), ({"NO_COLOR": "1"}, False)):
            output = io.StringIO()
            console = Console(
                file=output, force_terminal=True, highlight=False, width=80,
                _environ={"TERM": "xterm", **environment},
            )  # fmt: skip
            show(report, console)
            self.assertEqual("\x1b[1;31m" in output.getvalue(), colour)
            self.assertIn("NOT VERIFIED", output.getvalue())

    def test_help(self) -> None:
        result = invoke("inspect", "--help")
        self.assertEqual(result.exit_code, 0)
        self.assertIn("3  reachable, and not verified", result.output)
        self.assertIn("Example", result.output)
