"""The stand-in in a process of its own, and started and stopped in this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import boto3
import pytest

SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", "valetkey.embedded"]
    with subprocess.Popen(  # noqa: S603  # our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as started:
        yield started
        started.kill()


def _facts(process: subprocess.Popen[str]) -> dict[str, str]:
    out = process.stdout
    assert out is not None
    facts: dict[str, str] = json.loads(out.readline())
    return facts


def _identity(facts: dict[str, str]) -> Any:
    sts = boto3.client(
        "sts",
        endpoint_url=facts["endpoint"],
        region_name="us-east-1",
        aws_access_key_id=facts["key"],
        aws_secret_access_key=facts["secret"],
    )
    return sts.get_caller_identity()


def test_it_prints_where_it_is_and_serves(process: subprocess.Popen[str]) -> None:
    assert _identity(_facts(process))["Arn"].endswith(":user/administrator")


def test_it_ends_when_nobody_holds_its_standard_input(process: subprocess.Popen[str]) -> None:
    _facts(process)
    given: IO[str] | None = process.stdin
    assert given is not None
    given.close()
    assert process.wait(timeout=90) == 0


def test_it_ends_at_sigterm(process: subprocess.Popen[str]) -> None:
    _facts(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=90) == -signal.SIGTERM
