"""Clients whose certificates renew themselves, with a real server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet import reactor as installed
from twisted.trial.unittest import TestCase

from chat.client.client import Client
from chat.client.events import CertificateRenewed, ClientEvent, Disconnected, Registered, Secured
from chat.client.profile import Choice, Profile, choose, load_credentials
from chat.client.proxy import Proxy
from chat.pki.authority import Identity
from chat.pki.bundles import DeviceFiles
from tests.cli.programs import run
from tests.client.fake import until
from tests.pki.networks import now
from tests.support.servers import PASSWORD, Server, make_home

reactor: Any = installed


class RenewingTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home()
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        self.events: list[ClientEvent] = []

    def device(self, age: timedelta) -> DeviceFiles:
        """Return a device whose certificate of 30 days is that old."""
        return self.home.authority.device(Identity("alice", "tablet"), at=now() - age)

    def profile(self, files: DeviceFiles) -> Profile:
        root = self.home.authority.layout.root_certificate
        host = f"localhost:{self.server.port}"
        choice = Choice(host=host, certificate=files.combined, authority=root)
        return evolve(choose(choice, Path()), password=PASSWORD)

    def start(self, profile: Profile) -> Client:
        client = Client(profile, self.events.append, reactor, jitter=lambda: 0.0)
        client.start()
        self.addCleanup(client.stop)
        return client

    def seen(self, kind: type[ClientEvent]) -> Any:
        return next((event for event in self.events if isinstance(event, kind)), None)

    async def test_the_session_stays_and_the_next_connection_has_the_new_one(self) -> None:
        profile = self.profile(self.device(timedelta(days=21)))
        before = profile.credentials.expires
        assert before is not None
        self.start(profile)
        await until(reactor, lambda: self.seen(CertificateRenewed) and self.seen(Registered))
        renewed = self.seen(CertificateRenewed).expires
        self.assertGreater(renewed, before)
        source = profile.credentials.source
        stored = load_credentials(source, self.home.authority.layout.root_certificate)
        self.assertEqual(stored.expires, renewed)
        self.assertIsNone(self.seen(Disconnected))
        self.events.clear()
        assert self.server.process is not None
        self.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')
        self.server.stop()
        self.server.start()
        await until(reactor, lambda: self.seen(Secured))
        self.assertEqual(self.seen(Secured).own_expires, renewed)

    async def test_one_that_has_ended_comes_in_within_the_grace(self) -> None:
        self.start(self.profile(self.device(timedelta(days=34))))
        await until(reactor, lambda: self.seen(Registered))
        self.assertGreater(self.seen(Secured).own_expires, now())

    async def test_what_another_program_renewed_is_taken_from_the_file(self) -> None:
        old, new = self.device(timedelta(days=21)), self.device(timedelta())
        profile = self.profile(old)
        old.combined.write_bytes(new.combined.read_bytes())
        self.start(profile)
        await until(reactor, lambda: self.seen(CertificateRenewed))
        self.assertEqual(old.combined.read_bytes(), new.combined.read_bytes())

    async def test_the_proxy_renews_too(self) -> None:
        """Programs that know nothing of certificates are behind it for weeks."""
        profile = self.profile(self.device(timedelta(days=22, hours=12)))
        proxy = Proxy(profile, reactor)
        proxy.doStart()
        self.addCleanup(proxy.doStop)
        await until(reactor, lambda: proxy.tls.credentials.expires != profile.credentials.expires)

    def test_behind_the_grace_the_console_says_what_to_do(self) -> None:
        files = self.device(timedelta(days=40))
        root = self.home.authority.layout.root_certificate
        host = f"localhost:{self.server.port}"
        done = run(["connect", host, "--cert", files.combined, "--ca", root], text="hello\n")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(
            done.stderr,
            r"^securechat: your certificate ended on [^\n]*: ask for an invitation"
            r" \(securechat invite NAME\) and run securechat join\n$",
        )
