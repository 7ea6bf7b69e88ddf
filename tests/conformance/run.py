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
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-conformance"
PYTHON = ENVIRONMENT / "bin" / "python"
#: What no server but one has, what nobody should use, and what is stricter than the standard.
MARKERS = "not implementation-specific and not deprecated and not strict"
_OUTCOMES = ("passed", "failed", "skipped")
#: Tests of the suite itself, which pass with any server.
_OWN_TESTS = "self_tests/cases.py"


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
                "--tb=short", "-q", *sys.argv[2:],
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
    outcomes: dict[tuple[str, str], str] = {}
    skips: Counter[tuple[str, str]] = Counter()
    complaints: list[str] = []
    for case in ElementTree.parse(report).iter("testcase"):
        # irctest.server_tests.chmodes.ban.BanTestCase
        *modules, suite = case.get("classname", "").split(".")
        file = "/".join(modules[1:]).removeprefix("server_tests/") + ".py"
        test = f"{suite}.{case.get('name')}"
        # A test that failed and could not be taken down either is in the report twice.
        if outcomes.get((file, test)) != "failed":
            outcomes[file, test] = _outcome(case)
        if outcomes[file, test] == "skipped":
            skips[file, _reason(case)] += 1
        if "Traceback" in (case.findtext("system-out") or ""):
            complaints.append(f"{file}: {test}")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (file, _), outcome in outcomes.items():
        counts[file][outcome] += 1
    _table(counts)
    for (file, reason), number in sorted(skips.items()):
        print(f"skipped: {number} in {file}: {reason}")
    for complaint in complaints:
        print(f"the server logged a traceback: {complaint}")


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def _reason(case: ElementTree.Element) -> str:
    skipped = case.find("skipped")
    return "" if skipped is None else skipped.get("message", "")


def _table(counts: Mapping[str, Counter[str]]) -> None:
    def row(name: str, count: Counter[str]) -> None:
        numbers = "".join(f"{count[outcome] or '':>9}" for outcome in _OUTCOMES)
        print(f"{name:28}{numbers}")

    print(f"\n{'file':28}" + "".join(f"{outcome:>9}" for outcome in _OUTCOMES))
    for file in sorted(counts):
        row(file, counts[file])
    own = counts.get(_OWN_TESTS, Counter())
    total = sum(counts.values(), Counter())
    row("total", total)
    row("of them tests of the server", total - own)


if __name__ == "__main__":
    sys.exit(main())
