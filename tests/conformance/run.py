"""Runs the public conformance suite irctest: ``tests/conformance/run.py CHECKOUT [ARGUMENT...]``.

The arguments are pytest's.  Prints what passed, failed and was skipped, by file and
in total.  What the suite needs goes into .venv-conformance; the checkout stays as it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from collections import Counter, defaultdict
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-conformance"
PYTHON = ENVIRONMENT / "bin" / "python"
#: What no server but one has, what nobody should use, and what is stricter than the standard.
MARKERS = "not implementation-specific and not deprecated and not strict"
_OUTCOMES = ("passed", "failed", "skipped")


def main() -> int:
    if len(sys.argv) < 2 or not (Path(sys.argv[1]) / "irctest" / "server_tests").is_dir():
        print("needed: a checkout of https://github.com/progval/irctest", file=sys.stderr)
        print("usage: make conformance IRCTEST=PATH [ARGS='-k who']", file=sys.stderr)
        return 2
    checkout = Path(sys.argv[1]).resolve()
    prepare(checkout)
    with tempfile.TemporaryDirectory(prefix="sc-conformance-") as directory:
        report = Path(directory) / "report.xml"
        status = subprocess.run(
            [
                PYTHON, "-m", "pytest", "--controller", "tests.conformance.controller",
                "-m", MARKERS, "-p", "no:cacheprovider", f"--junit-xml={report}",
                "--tb=short", "-q", "irctest/server_tests", *sys.argv[2:],
            ],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        ).returncode  # fmt: skip
        if report.exists():
            tell(report)
    return status


def prepare(checkout: Path) -> None:
    """Make the environment, once for each version of what goes into it."""
    wanted = [checkout / "requirements.txt", ROOT / "setup.cfg"]
    stamp = ENVIRONMENT / "installed"
    content = "\n".join(path.read_text() for path in wanted)
    if stamp.exists() and stamp.read_text() == content:
        return
    print(f"Installing what the suite needs into {ENVIRONMENT.name} ...", flush=True)
    if not PYTHON.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    install = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-r", wanted[0], "pytest-xdist"], check=True)
    subprocess.run([*install, "-e", ROOT, "--config-settings", "editable_mode=compat"], check=True)
    stamp.write_text(content)


def tell(report: Path) -> None:
    """Print the counts, the reasons of what was skipped, and what the server complained of."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    skips: Counter[tuple[str, str]] = Counter()
    complaints: list[str] = []
    for case in ElementTree.parse(report).iter("testcase"):
        # irctest.server_tests.chmodes.ban.BanTestCase
        names = case.get("classname", "").removeprefix("irctest.server_tests.").split(".")
        file = "/".join(names[:-1]) + ".py"
        skipped = case.find("skipped")
        failed = case.find("failure") is not None or case.find("error") is not None
        counts[file]["failed" if failed else "passed" if skipped is None else "skipped"] += 1
        if skipped is not None:
            skips[file, skipped.get("message", "")] += 1
        if "Traceback" in (case.findtext("system-out") or ""):
            complaints.append(f"{file}: {names[-1]}.{case.get('name')}")
    print()
    row = "{:28} {:>7} {:>7} {:>7}".format
    print(row("file", *_OUTCOMES))
    for file in sorted(counts):
        print(row(file, *(counts[file][outcome] or "" for outcome in _OUTCOMES)))
    print(row("total", *(sum(each[outcome] for each in counts.values()) for outcome in _OUTCOMES)))
    for (file, reason), number in sorted(skips.items()):
        print(f"skipped: {number} in {file}: {reason}")
    for complaint in complaints:
        print(f"the server logged a traceback: {complaint}")


if __name__ == "__main__":
    sys.exit(main())
