from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chat.store.url import MariaDBURL, SQLiteURL, parse_url

HERE = Path("/srv/chat")


class ParseTests(SynchronousTestCase):
    def test_sqlite_is_relative_to_the_directory(self) -> None:
        self.assertEqual(parse_url("sqlite:a/b.db", HERE), SQLiteURL(HERE / "a/b.db"))
        self.assertEqual(parse_url("sqlite:/var/b.db", HERE), SQLiteURL(Path("/var/b.db")))

    def test_mariadb_over_tcp(self) -> None:
        self.assertEqual(
            parse_url("mariadb://chat:p%40s%2Fs@db.example:3307/my%20chat", HERE),
            MariaDBURL("chat", "p@s/s", "my chat", host="db.example", port=3307),
        )
        self.assertEqual(
            parse_url("mariadb://chat@[::1]/chat", HERE), MariaDBURL("chat", "", "chat", host="::1")
        )

    def test_mariadb_at_a_socket(self) -> None:
        self.assertEqual(
            parse_url("mariadb://chat:secret@/chat?unix_socket=/run/my.sock", HERE),
            MariaDBURL("chat", "secret", "chat", unix_socket=Path("/run/my.sock")),
        )

    def test_password_file(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "secret").write_text("p@ss:/?#\nsecond line\n")
        url = parse_url("mariadb://chat@db/chat?password_file=secret", directory)
        assert isinstance(url, MariaDBURL)
        self.assertEqual(url.password, "p@ss:/?#")

    def test_password_never_shows(self) -> None:
        self.assertNotIn("hunter2", repr(parse_url("mariadb://chat:hunter2@db/chat", HERE)))
        for wrong in (
            "mariadb://chat:hunter2@db:port/chat",
            "mariadb://chat:/hunter2@db/chat",
            "mariadb://chat:0/hunter2@db/chat",
            "mariadb://chat:hunter2@db/",
            "mariadb://chat:hunter2@db/a/b",
            "mariadb://chat:hunter2@/chat",
            "mariadb://chat:hunter2@db/chat?ssl=1",
            "mariadb://chat:hunter2@db/chat#x",
            "mariadb://chat:hunter2@[db/chat",
            "mysql://chat:hunter2@db/chat",
        ):
            error = self.assertRaises(ValueError, parse_url, wrong, HERE)
            self.assertNotIn("hunter2", str(error), wrong)

    def test_errors_name_what_was_found_and_wanted(self) -> None:
        for wrong, found, wanted in (
            ("chat.db", "found no scheme", "sqlite:PATH"),
            ("sqlite:", "found 'sqlite:'", "sqlite:PATH"),
            ("sqlite:///chat.db", "found 'sqlite:///chat.db'", "sqlite:PATH"),
            ("postgresql://a@b/c", "found the scheme 'postgresql'", "mariadb://user"),
            ("mariadb://db/chat", "found no user", "mariadb://user"),
            ("mariadb://u@db", "found the database name ''", "mariadb://user"),
            ("mariadb://u@/chat", "found neither a host nor a unix_socket", "mariadb://user"),
            ("mariadb://u@db/chat?unix_socket=/s", "a host and a unix_socket", "one of them"),
            ("mariadb://u@db/chat?unix_socket=", "no path at unix_socket=", "unix_socket=PATH"),
            ("mariadb://u@db/chat?ssl=1", "found the option 'ssl'", "unix_socket"),
            ("mariadb://u:p@db/chat?password_file=f", "a password and a password_file", "one of"),
            ("mariadb://u@db/chat?password_file=none", "/srv/chat/none", "a readable file"),
        ):
            error = self.assertRaises(ValueError, parse_url, wrong, HERE)
            self.assertIn(found, str(error))
            self.assertIn(wanted, str(error))
