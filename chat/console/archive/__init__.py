"""The console's local store: what was said in one network, in one file of SQLite.

Rules of this package: SQL stands here and nowhere else in the console.  `reader` and
`writer` are given a connection and know no threads: those are `worker`'s.  Nothing here
knows how a message is shown.  Others import from here.
"""

from chat.console.archive.archive import Archive
from chat.console.archive.file import ArchiveError, archive_path
from chat.console.archive.reader import KeptMessage, KeptPage, KeptRoom

__all__ = ["Archive", "ArchiveError", "KeptMessage", "KeptPage", "KeptRoom", "archive_path"]
