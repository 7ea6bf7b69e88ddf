"""A process beside the scenario, which is told a line of JSON first and answers each line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from attrs import AttrsInstance, asdict

from tests.cli.programs import ROOT


@contextmanager
def talking(module: str, first: AttrsInstance) -> Iterator[Callable[[str], Any]]:
    """Run ``python -m module``; what is given sends it a line, and returns its JSON."""
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def tell(line: str) -> str:
        stdin.write(f"{line}\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise click.ClickException("the generator ended; its error is above")
        return answer

    try:
        tell(json.dumps(asdict(first)))
        yield lambda line: json.loads(tell(line))
    finally:
        stdin.close()
        process.kill()
        process.wait()
        stdout.close()
