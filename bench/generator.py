"""The load: a process of its own, so that it does not share a server's interpreter.

It is the program in ``bench/load``, in Go, built when it is first needed.  It is told an
order at a time, and answers with what came of it: an `Outcome`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import cattrs
import click
from attrs import field, frozen

from tests.cli.programs import ROOT

_SOURCE = Path(__file__).parent / "load"
_BUILT = ROOT / "build"
_MISSING = (
    "the load generator is built with Go, and there is none: install it, or\n"
    "  .venv/bin/pip install -e '.[bench]'   (which `make bench` does)"
)


@frozen
class Spread:
    """Latencies, in milliseconds."""

    p50: float = float("nan")
    p99: float = float("nan")
    max: float = float("nan")


@frozen
class Outcome:
    """What came of an order; what does not belong to it has its default."""

    seconds: float = 0.0
    #: CPU seconds: of the server and of its database, and of the generator.
    cpu: tuple[float, ...] = ()
    own_cpu: float = 0.0
    #: Records of TLS that came.
    records: int = 0
    messages: int = 0
    #: Deliveries: each message counts for each who gets it.
    expected: int = 0
    delivered: int = 0
    #: Deliveries that came again, came before an earlier one, or should not have come.
    repeated: int = 0
    disordered: int = 0
    strange: int = 0
    #: Between sending and delivery; a round trip where people talk in pairs.
    latency: Spread = field(factory=Spread)
    #: What a connection took, and how many of them resumed a session.
    taken: Spread = field(factory=Spread)
    resumed: int = 0
    granted: tuple[str, ...] = ()
    #: Connections that were ended before they were registered.
    turned_away: int = 0
    #: What a question took until its answer had ended; how many; how many lines were counted.
    asked: Spread = field(factory=Spread)
    answers: int = 0
    rows: int = 0
    #: Why it ended before it was over.
    fault: str = ""

    @property
    def server_cpu(self) -> float:
        """CPU seconds of the server alone."""
        return self.cpu[0]

    def faults(self) -> Iterator[str]:
        """Yield what should not be."""
        if self.fault:
            yield self.fault
        wrong = {
            "not delivered": max(0, self.expected - self.delivered),
            "repeated": self.repeated,
            "out of order": self.disordered,
            "that nobody sent": self.strange + max(0, self.delivered - self.expected),
        }
        yield from (f"{count} messages {what}" for what, count in wrong.items() if count)


@frozen
class Target:
    """Whom to connect to as whom; the processes whose CPU counts, the server's first."""

    address: str
    authority: Path
    #: With its key, in one file.
    certificate: Path
    processes: tuple[int, ...]


@frozen
class Generator:
    """A running generator; its clients stay connected until it ends."""

    _name: str
    _process: subprocess.Popen[str]

    def order(self, do: str, **details: object) -> Outcome:
        """Give an order, as ``bench/load/main.go`` lists them, and wait until it is done."""
        found = _tell(self._process, {"do": do, **details})
        if "error" in found:
            raise click.ClickException(f"{self._name}: {do}: {found['error']}")
        return cattrs.structure(found, Outcome)

    def checked(self, faults: list[str], do: str, **details: object) -> Outcome:
        """Do the same, and put what should not be into ``faults``."""
        outcome = self.order(do, **details)
        faults += [f"{self._name}: {fault}" for fault in outcome.faults()]
        return outcome


@contextmanager
def generator(name: str, target: Target) -> Iterator[Generator]:
    """Run a generator; ``name`` is what errors say."""
    process = subprocess.Popen(
        [_program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        _tell(process, cattrs.unstructure(target))
        yield Generator(name, process)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _tell(process: subprocess.Popen[str], order: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    print(json.dumps(order), file=process.stdin, flush=True)
    answer = process.stdout.readline()
    if not answer:
        raise click.ClickException("the load generator ended; its error is above")
    found: dict[str, Any] = json.loads(answer)
    return found


@cache
def _program() -> Path:
    """Return the program, built from the source as it is now."""
    sources = [*sorted(_SOURCE.glob("*.go")), _SOURCE / "go.mod"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    program = _BUILT / f"load-{digest}"
    if program.exists():
        return program
    _BUILT.mkdir(exist_ok=True)
    # Others may build at the same time: who is last replaces the same by the same.
    fresh = program.with_suffix(f".{os.getpid()}")
    done = subprocess.run(
        [_go(), "build", "-o", str(fresh), "."],
        cwd=_SOURCE,
        # The standard library is all that it needs: nothing is fetched.
        env={**os.environ, "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": ""},
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise click.ClickException(f"the load generator cannot be built:\n{done.stderr}")
    return fresh.rename(program)


def _go() -> str:
    """Return the compiler of the extra ``bench``, else the machine's."""
    here = Path(sys.executable).parent
    found = shutil.which("go", path=f"{here}:{os.environ.get('PATH', '')}")
    if found is None:
        raise click.ClickException(_MISSING)
    return found
