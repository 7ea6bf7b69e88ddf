"""Profiles: which file says what, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chat.client.profile import (
    Address,
    Choice,
    ProfileError,
    choose,
    choose_several,
    has_profiles,
)
from tests.client.fake import write_profile
from tests.pki.networks import Network


class AddressTest(SynchronousTestCase):
    def test_forms(self) -> None:
        for text, address in {
            "chat.example.org": Address("chat.example.org", 6697),
            "localhost:7000": Address("localhost", 7000),
            "[::1]:7000": Address("::1", 7000),
            "[::1]": Address("::1", 6697),
            "2001:db8::1": Address("2001:db8::1", 6697),
        }.items():
            self.assertEqual(Address.parse(text), address)
        self.assertEqual(str(Address("::1")), "[::1]:6697")

    def test_refused(self) -> None:
        for text in ("", "a b", "host:", "host:0", "host:99999", "host:x"):
            self.assertRaises(ProfileError, Address.parse, text)


class ProfileTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.base = Path(self.mktemp())
        self.network = Network.make(self.base / "keys")
        self.files = self.network.device()
        self.directory = write_profile(self.network, self.files, 7000)
        self.profiles = self.base / "profiles"
        self.profiles.mkdir()

    def refusal(self, choice: Choice) -> str:
        return str(self.assertRaises(ProfileError, choose, choice, self.profiles))

    def test_profile(self) -> None:
        profile = choose(Choice(str(self.directory)), self.profiles)
        self.assertEqual(
            (str(profile.address), profile.server_name), ("127.0.0.1:7000", "localhost")
        )
        self.assertEqual((profile.account, profile.password), ("alice", None))
        self.assertEqual(len(profile.credentials.certificates), 2)

    def test_without_profile_toml(self) -> None:
        """The only .pem and ca.crt do; the account is the certificate's."""
        (self.directory / "profile.toml").unlink()
        profile = choose(Choice(str(self.directory), host="chat.test:1"), self.profiles)
        self.assertEqual((profile.account, profile.server_name), ("alice", "chat.test"))

    def test_files_in_place_of_a_profile(self) -> None:
        choice = Choice(certificate=self.files.combined, host="chat.test")
        self.assertEqual(choose(choice, self.profiles).account, "alice")
        self.assertIn(
            "exclude", self.refusal(Choice(str(self.directory), None, self.files.combined))
        )

    def test_named_and_default(self) -> None:
        self.assertIn("there is no profile", self.refusal(Choice()))
        (self.profiles / "work").symlink_to(self.directory.absolute())
        self.assertEqual(choose(Choice("work"), self.profiles).account, "alice")
        self.assertEqual(choose(Choice(), self.profiles).account, "alice")
        (self.profiles / "other").mkdir()
        self.assertIn("several profiles (other, work)", self.refusal(Choice()))
        (self.profiles / "default").write_text("work\n")
        self.assertEqual(choose(Choice(), self.profiles).account, "alice")

    def test_all_of_them(self) -> None:
        self.assertFalse(has_profiles(self.profiles))
        error = self.assertRaises(ProfileError, choose_several, (), self.profiles)
        self.assertIn("join a network with securechat join", str(error))
        for name in ("ship", "work"):
            (self.profiles / name).symlink_to(self.directory.absolute())
        (self.profiles / "default").write_text("work\n")
        networks, problems = choose_several(("ship",), self.profiles)
        self.assertEqual(([each.name for each in networks], problems), (["ship"], ()))
        (self.profiles / "broken").mkdir()
        shutil.copytree(self.directory, self.profiles / "plant")
        networks, [(name, problem)] = choose_several((), self.profiles)
        self.assertEqual([each.name for each in networks], ["work", "plant"])
        self.assertEqual(name, "broken")
        self.assertIn("is no profile", str(problem))

    def test_no_two_have_one_name(self) -> None:
        for place in ("a", "b"):
            shutil.copytree(self.directory, self.base / place / "lab")
        wanted = [str(self.base / place / "lab") for place in ("a", "b", "a")]
        networks, _ = choose_several(wanted, self.profiles)
        self.assertEqual([each.name for each in networks], ["lab", "lab-2"])

    def test_none_can_be_read(self) -> None:
        for name in ("one", "two"):
            (self.profiles / name).mkdir()
        self.assertTrue(has_profiles(self.profiles))
        error = self.assertRaises(ProfileError, choose_several, (), self.profiles)
        self.assertRegex(str(error), "one is no profile.*; .*two is no profile")

    def test_password_file(self) -> None:
        path = self.base / "password"
        path.write_text("secret\nmore\n")
        profile = choose(Choice(str(self.directory), password_file=path), self.profiles)
        self.assertEqual(profile.password, "secret")
        self.assertNotIn("secret", repr(profile))

    def test_key_that_others_can_read(self) -> None:
        self.files.combined.chmod(0o640)
        self.assertIn(
            f"run chmod 600 {self.files.combined}", self.refusal(Choice(str(self.directory)))
        )

    def test_refused(self) -> None:
        toml = self.directory / "profile.toml"
        good = toml.read_text()
        for text, word in {
            good + "colour = 'red'": "unknown key 'colour'",
            "account = 1": "has to be a string",
            "account =": "profile.toml",
            good.replace(self.files.combined.name, "none.pem"): "none.pem: No such file",
            good.replace(self.files.combined.name, "ca.crt"): "run chmod 600",
            good.replace("ca.crt", "profile.toml"): "no readable certificate",
        }.items():
            toml.write_text(text)
            self.assertIn(word, self.refusal(Choice(str(self.directory))))

    def test_key_of_another_certificate(self) -> None:
        other = self.network.device().combined.read_bytes()
        own = self.files.combined.read_bytes()
        key = own.index(b"-----BEGIN PRIVATE")
        self.files.combined.write_bytes(own[:key] + other[other.index(b"-----BEGIN PRIVATE") :])
        self.assertIn("not that of its certificate", self.refusal(Choice(str(self.directory))))
