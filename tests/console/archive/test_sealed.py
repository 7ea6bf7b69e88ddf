"""Encrypted messages in the archive: their ciphertext, and nothing that they say."""

from __future__ import annotations

from attrs import evolve

from chat.client.events import Reacted, Redacted
from chat.client.seals import Seal
from tests.console.archive.archives import T0, ArchiveCase, said

SEAL = Seal("bob/phone", ciphertext="1.session.ciphertext")


class SealedTest(ArchiveCase):
    async def test_no_plain_text_is_kept(self) -> None:
        self.note(evolve(said(1, "the launch code"), seal=SEAL))
        self.note(Reacted("#lab", "bob", "launched", "m1", False, False, T0, seal=SEAL))
        self.note(said(2), Redacted("#lab", "bob", "m2", "the launch slip", T0, seal=SEAL))
        kept, _ = await self.latest()
        self.assertEqual((kept.said.seal or SEAL).ciphertext, SEAL.ciphertext)
        self.assertIn("not opened here", kept.said.text)
        self.assertEqual(kept.reactions, ())
        self.assertEqual(await self.archive.search("launch", None, 5), [])
        await self.archive.close()
        for path in self.path.parent.iterdir():
            self.assertNotIn(b"launch", path.read_bytes())
