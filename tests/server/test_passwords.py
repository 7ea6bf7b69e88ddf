"""Passwords and their hashes."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from chat.server.passwords import DUMMY_HASH, check_password, hash_password


class PasswordTests(TestCase):
    def test_round_trip(self) -> None:
        for password in ("", "pass word", "pässwört", "with\0nul", "x" * 5000):
            hashed = hash_password(password, rounds=4)
            self.assertEqual(len(hashed), 60)
            self.assertTrue(check_password(password, hashed))
            self.assertFalse(check_password(password + "x", hashed))

    def test_every_byte_counts(self) -> None:
        """bcrypt alone looks at 72 bytes."""
        hashed = hash_password("x" * 100, rounds=4)
        self.assertFalse(check_password("x" * 99 + "y", hashed))

    def test_salted(self) -> None:
        self.assertNotEqual(hash_password("x", rounds=4), hash_password("x", rounds=4))

    def test_dummy(self) -> None:
        """It costs what a real one costs, and opens to nothing."""
        self.assertTrue(hash_password("x").startswith(DUMMY_HASH[:7]))
        self.assertFalse(check_password("", DUMMY_HASH))

    def test_no_hash(self) -> None:
        with self.assertRaises(ValueError):
            check_password("x", b"no hash")
