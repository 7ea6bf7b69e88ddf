"""Runs the whole suite with trial, and prints the counts from its own result.

``tests/run.py NAME...`` runs only these packages, modules, classes or methods.
Without a name, ``tests.live``, whose tests mostly wait for other programs, runs
beside the others in a process of its own.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.scripts.trial import Options, _getSuite, _initialDebugSetup, _makeRunner

ROOT = Path(__file__).parent.parent
_BESIDE = "live"
_OWN = ("CONFIG", "DATA", "STATE")
_COUNTS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def main() -> int:
    # A shell's background job ignores SIGINT, and so would the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Nothing of who runs this is read or changed.
    home = tempfile.TemporaryDirectory(prefix="securechat-home-")
    os.environ |= {f"XDG_{kind}_HOME": f"{home.name}/{kind}" for kind in _OWN}
    # In place of tests/ itself, whose packages would hide others of their names.
    sys.path[0] = str(ROOT)
    if len(sys.argv) > 1:
        return _finish(*_run(sys.argv[1:]))
    packages = sorted(path.parent.name for path in ROOT.glob("tests/*/__init__.py"))
    others = [f"tests.{name}" for name in packages if name != _BESIDE]
    with tempfile.TemporaryFile("w+") as output:
        command = [sys.executable, __file__, f"tests.{_BESIDE}"]
        beside = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            counts = _run(others)
            status = beside.wait()
        finally:
            beside.kill()
        output.seek(0)
        *lines, last = output.read().splitlines() or [""]
    print("\n".join(lines))
    found = _COUNTS.match(last)
    if found is None:
        print(last)
        return _finish(counts[0], counts[1] + 1, counts[2])
    sums = [own + int(theirs or 0) for own, theirs in zip(counts, found.groups(), strict=True)]
    return _finish(*sums) or status


def _run(names: list[str]) -> tuple[int, int, int]:
    """Return how many passed, failed and were skipped."""
    options = Options()
    options.parseOptions(["--temp-directory", str(ROOT / "_trial_temp"), *names])
    _initialDebugSetup(options)
    result = _makeRunner(options).run(_getSuite(options))
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    return result.successes, failed, len(result.skips)


def _finish(passed: int, failed: int, skipped: int) -> int:
    """Print the counts, and return the exit code."""
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
