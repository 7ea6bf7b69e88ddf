"""Runs the whole suite with trial, and prints the counts from its own result.

``tests/run.py NAME...`` runs only these packages, modules, classes or methods.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from twisted.scripts.trial import Options, _getSuite, _initialDebugSetup, _makeRunner

ROOT = Path(__file__).parent.parent


def main() -> int:
    # A shell's background job ignores SIGINT, and so would the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # In place of tests/ itself, whose packages would hide others of their names.
    sys.path[0] = str(ROOT)
    options = Options()
    options.parseOptions(
        ["--temp-directory", str(ROOT / "_trial_temp"), *(sys.argv[1:] or ["tests"])]
    )
    _initialDebugSetup(options)
    result = _makeRunner(options).run(_getSuite(options))
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = f", {len(result.skips)} skipped" if result.skips else ""
    print(f"{result.successes} passed, {failed} failed{skipped}")
    return 0 if result.wasSuccessful() and result.successes else 1


if __name__ == "__main__":
    sys.exit(main())
