"""``securechat init``, and how the program ends."""

from __future__ import annotations

import os
import pty
import re
import signal
import sqlite3
import stat
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
from cryptography import x509
from twisted.trial.unittest import TestCase

from chat.cli import init as module
from chat.cli.ca import ca
from chat.cli.main import COMMANDS, main
from chat.network.settings import Limits, Performance
from chat.pki.errors import PassphraseError
from chat.pki.files import read_authority, read_certificates, read_issuing, write_files
from chat.pki.layout import Layout
from chat.pki.revocation import RevocationList
from chat.server.config import load
from chat.server.passwords import check_password
from chat.server.tls import ServerTLS, TLSFiles, TLSVersion
from tests.cli.programs import PROGRAM, ROOT, invoke, run
from tests.pki.networks import now


class InitTests(TestCase):
    """All but the database, which needs a reactor of its own."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.layout = Layout(self.directory / "keys")
        self.schemas: list[tuple[str, Path]] = []
        self._with_store(lambda url, directory, work: self.schemas.append((url, directory)))

    def _with_store(self, function: Callable[[str, Path, object], object]) -> None:
        self.patch(module, "with_store", function)

    def test_makes_a_network(self) -> None:
        result = invoke("init", "--dir", self.directory, "--no-passphrase")
        self.assertEqual((result.exit_code, result.stderr), (0, ""))
        self.assertIn("securechat user add NAME --dir", result.stdout)
        self.assertEqual(self.schemas, [("sqlite:securechat.db", self.directory)])
        for path in self.directory.rglob("*"):
            wanted = 0o700 if path.is_dir() else 0o600
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), wanted, path)

    def test_server_can_use_it(self) -> None:
        invoke("init", "--dir", self.directory, "--no-passphrase")
        config = load(self.directory / "securechat.toml")
        tls = config.tls
        paths = map(config.path, (tls.certificate, tls.key, tls.authority, tls.revocations))
        ServerTLS(TLSFiles(*paths), TLSVersion(tls.minimum), now())

    def test_configuration(self) -> None:
        arguments = ("--network", 'The "Lab" \\ Büro', "--server", "irc.lab.example")
        invoke("init", "--dir", self.directory, "--no-passphrase", *arguments)
        config = tomllib.loads((self.directory / "securechat.toml").read_text())
        self.assertEqual(
            config["network"], {"name": 'The "Lab" \\ Büro', "server": "irc.lab.example"}
        )
        self.assertEqual(config["listen"]["tls"], ["127.0.0.1:6697", "[::1]:6697"])
        self.assertEqual(config["authority"], {"directory": "keys"})

    def test_comments_show_the_defaults(self) -> None:
        invoke("init", "--dir", self.directory, "--no-passphrase")
        path = self.directory / "securechat.toml"
        text = path.read_text()
        section = text[text.index("[limits]") : text.index("[operators]")]
        path.write_text(text.replace(section, re.sub(r"(?m)^# (?=\w+ = )", "", section)))
        config = load(path)
        self.assertEqual((config.limits, config.performance), (Limits(), Performance()))
        self.assertIn("\nqueue = 10000\nbatch = 500\n", path.read_text())

    def test_hosts(self) -> None:
        hosts = ("--host", "192.0.2.1", "--host", "chat.lab.example")
        result = invoke("init", "--dir", self.directory, "--no-passphrase", *hosts)
        self.assertEqual(result.exit_code, 0, result.stderr)
        certificate = x509.load_pem_x509_certificate(self.layout.server_certificate.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual([str(name.value) for name in names], ["192.0.2.1", "chat.lab.example"])
        config = tomllib.loads((self.directory / "securechat.toml").read_text())
        self.assertEqual(config["network"]["server"], "chat.lab.example")

    def test_empty_list(self) -> None:
        invoke("init", "--dir", self.directory, "--no-passphrase")
        authority = read_issuing(self.layout, None)
        pem = self.layout.revocations.read_bytes()
        found = RevocationList.parse(pem, [authority.certificate])
        self.assertEqual((found.number, found.serials), (1, frozenset()))

    def test_second_run(self) -> None:
        arguments = ("init", "--dir", self.directory, "--no-passphrase")
        invoke(*arguments)
        before = {path: path.read_bytes() for path in self.directory.rglob("*") if path.is_file()}
        result = invoke(*arguments)
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(result.stderr, r"^securechat: \S+ already has .*securechat\.toml.*\n$")
        self.assertEqual(before, {path: path.read_bytes() for path in before})

    def test_anything_there_is_enough(self) -> None:
        for name in ("securechat.toml", "securechat.db", "keys/root.key"):
            directory = Path(self.mktemp())
            write_files({directory / name: b"precious"})
            result = invoke("init", "--dir", directory, "--no-passphrase")
            self.assertEqual(result.exit_code, 1)
            self.assertIn(name, result.stderr)
            files = [path for path in directory.rglob("*") if path.is_file()]
            self.assertEqual([path.read_bytes() for path in files], [b"precious"])

    def test_a_checkout(self) -> None:
        """keys/README.md is in every checkout and in nobody's way."""
        readme = self.directory / "keys" / "README.md"
        write_files({readme: b"# keys/"})
        result = invoke("init", "--dir", self.directory, "--no-passphrase")
        self.assertEqual(result.exit_code, 0, result.stderr)
        self.assertEqual(readme.read_bytes(), b"# keys/")

    def test_cleans_up(self) -> None:
        def fail(url: str, directory: Path, work: object) -> None:
            raise click.ClickException("the database: away")

        self._with_store(fail)
        result = invoke("init", "--dir", self.directory, "--no-passphrase")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(result.stderr, "securechat: the database: away\n")
        self.assertFalse(self.directory.exists())

    def test_passphrase_file(self) -> None:
        file = Path(self.mktemp())
        write_files({file: b"correct horse\n"})
        result = invoke("init", "--dir", self.directory, "--passphrase-file", file)
        self.assertEqual(result.exit_code, 0, result.stderr)
        (root,) = read_certificates(self.layout.root_certificate)
        (issuing,) = read_certificates(self.layout.issuing_certificate)
        for authority, key in (
            (root, self.layout.root_key),
            (issuing, self.layout.key_of(issuing)),
        ):
            with self.assertRaises(PassphraseError):
                read_authority(authority, key, None)
            read_authority(authority, key, b"correct horse")
        config = load(self.directory / "securechat.toml")
        self.assertEqual(config.path(config.authority.passphrase_file), file.resolve())

    def test_root_elsewhere(self) -> None:
        stick = Path(self.mktemp()).absolute()
        arguments = ("init", "--dir", self.directory, "--no-passphrase", "--root-out", stick)
        result = invoke(*arguments)
        self.assertEqual(result.exit_code, 0, result.stderr)
        self.assertFalse(self.layout.root_key.exists())
        (root,) = read_certificates(stick / "root.crt")
        read_authority(root, stick / "root.key", None)
        self.assertEqual(read_certificates(self.layout.root_certificate), [root])
        again = invoke(*arguments[:2], self.mktemp(), *arguments[3:])
        self.assertEqual(again.exit_code, 1)
        self.assertRegex(again.stderr, "already has .*root.key")

    def test_readable_passphrase_file(self) -> None:
        file = Path(self.mktemp())
        file.write_text("correct horse\n")
        file.chmod(0o644)
        result = invoke("init", "--dir", self.directory, "--passphrase-file", file)
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(result.stderr, r"others can read .* run chmod 600")

    def test_no_terminal(self) -> None:
        result = invoke("init", "--dir", self.directory)
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(result.stderr, "--passphrase-file FILE, or --no-passphrase\n$")
        self.assertFalse(self.directory.exists())

    def test_bad_arguments(self) -> None:
        for arguments, words in (
            (("--host", "*.lab"), "no host name or address"),
            (("--server", "nodots"), "use a name with a dot"),
            (("--network", "x" * 50), "cannot name a network"),
            (("--database", "oracle:x"), "scheme 'oracle'"),
            (("--database", "sqlite:a\nb"), "no configuration can hold"),
        ):
            result = invoke("init", "--dir", self.directory, "--no-passphrase", *arguments)
            self.assertIn(result.exit_code, (1, 2))
            self.assertRegex(result.stderr, f"^securechat: .*{words}.*\n$")
            self.assertFalse(self.directory.exists())


class ProcessTests(TestCase):
    """The real program, with a real database, as a person sees it."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()

    def test_init(self) -> None:
        done = run(["init", "--dir", self.directory, "--no-passphrase"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        database = sqlite3.connect(self.directory / "securechat.db")
        self.addCleanup(database.close)
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        self.assertGreater(tables, 3)
        again = run(["init", "--dir", self.directory, "--no-passphrase"])
        self.assertEqual(again.returncode, 1)
        self.assertEqual(again.stderr.count("\n"), 1)

    def test_unwritable(self) -> None:
        done = run(["init", "--dir", "/proc/securechat", "--no-passphrase"])
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^securechat: /proc/securechat: [^\n]+\n$")

    def _at_the_prompt(self) -> tuple[subprocess.Popen[bytes], int]:
        """Start init on a terminal and return when it asks."""
        terminal, slave = pty.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen(
            [*PROGRAM, "init", "--dir", str(self.directory)],
            cwd=ROOT,
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        os.close(slave)
        self.addCleanup(process.communicate)
        self._await(process, b"Passphrase: ")
        return process, terminal

    def _await(self, process: subprocess.Popen[bytes], prompt: bytes) -> None:
        assert process.stderr is not None
        seen = b""
        while not seen.endswith(prompt):
            data = os.read(process.stderr.fileno(), 1)
            self.assertTrue(data, seen)
            seen += data

    def test_prompt(self) -> None:
        process, terminal = self._at_the_prompt()
        os.write(terminal, b"correct horse\n")
        self._await(process, b"confirmation: ")
        os.write(terminal, b"correct horse\n")
        output, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        self.assertNotIn(b"horse", output + errors)
        layout = Layout(self.directory / "keys")
        read_issuing(layout, b"correct horse")

    def test_interrupted(self) -> None:
        process, _ = self._at_the_prompt()
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130)
        self.assertNotIn(b"Traceback", errors)
        self.assertFalse(self.directory.exists())


class ProgramTests(TestCase):
    def test_help(self) -> None:
        result = invoke("--help")
        self.assertEqual(result.exit_code, 0)
        for name in COMMANDS:
            self.assertIn(f"  {name} ", result.stdout)

    def test_help_imports_no_command(self) -> None:
        code = (
            "import sys\nfrom chat.cli.main import main\n"
            "try: main(['--help'])\nfinally: print('twisted' in sys.modules)"
        )
        done = subprocess.run(
            [*PROGRAM[:2], code], cwd=ROOT, capture_output=True, text=True, check=False
        )
        self.assertEqual(done.stdout.splitlines()[-1], "False")

    def test_our_commands_show_an_example(self) -> None:
        for command in (
            ["init"],
            ["cert", "issue"],
            ["cert", "renew-list"],
            ["password-hash"],
            ["revoke"],
            *(["ca", name] for name in ca.commands),
        ):
            result = invoke(*command, "--help")
            self.assertEqual(result.exit_code, 0)
            self.assertRegex(result.stdout, rf"Examples?:\n\s+securechat {' '.join(command)}")

    def test_version(self) -> None:
        self.assertRegex(invoke("--version").stdout, r"^securechat, version \d+\.\d+")

    def test_usage(self) -> None:
        self.assertEqual(invoke().exit_code, 2)
        self.assertIn("Commands:", invoke().stderr)
        for arguments in (("nonsense",), ("init", "--nonsense")):
            result = invoke(*arguments)
            self.assertEqual(result.exit_code, 2)
            self.assertRegex(result.stderr, "^securechat: No such [^\n]+\n$")

    def test_os_error(self) -> None:
        @click.command()
        def broken() -> None:
            raise PermissionError(13, "Permission denied", "/root/x")

        self.patch(type(main), "get_command", lambda *_: broken)
        result = invoke("broken")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(result.stderr, "securechat: /root/x: Permission denied\n")

    def test_password_hash(self) -> None:
        result = invoke("password-hash", text="pass word\n")
        self.assertTrue(check_password("pass word", result.stdout.strip().encode()))
        self.assertEqual(invoke("password-hash", text="\n").exit_code, 1)
