"""``valetkey agent``, and what it serves across the end of a credential."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.expiry import ShortLived, short_lived_client
from support.ports import held_port
from support.server import ANNOTATOR, LOCATION, Installation
from support.shell import Shell
from valetkey.cli.credential_helpers.child_environment import environment_for, token_file
from valetkey.cli.credential_helpers.endpoint import serving

READ = """
import boto3
s3 = boto3.client("s3")
print(s3.get_object(Bucket="{bucket}", Key="train/a.txt")["Body"].read().decode(), flush=True)
"""


@contextmanager
def agent(shell: Shell, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run an agent, and give what it printed once it serves."""
    with subprocess.Popen(  # noqa: S603  # our own command
        shell.words("agent", LOCATION, *options),
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            # One write, far below a pipe's size: it comes as a whole.
            yield process, os.read(process.stdout.fileno(), 65536).decode()
        finally:
            process.kill()


def test_what_it_prints_leads_a_shells_programs_to_it(shell: Shell) -> None:
    program = READ.format(bucket=shell.server.setup.bucket)
    with agent(shell) as (_, lines):
        done = subprocess.run(  # noqa: S603  # our own command
            ["/bin/sh", "-c", f'{lines}\nexec "$0" -c "$1"', sys.executable, program],
            env=shell.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert (done.stdout, done.stderr) == ("a\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_asked_to_and_leaves_nothing_behind(
    shell: Shell, number: signal.Signals
) -> None:
    with held_port() as port:
        with agent(shell, "--json", "--port", str(port)) as (process, printed):
            given = json.loads(printed)["set"]
            token = Path(given["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
            assert token.stat().st_mode & 0o777 == 0o600
            assert "AWS_PROFILE" in json.loads(printed)["unset"]
            process.send_signal(number)
            assert process.wait(90) == 0
        assert not token.parent.exists()
        place = urlsplit(given["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection(place.netloc, timeout=90).request("GET", place.path)


def test_it_serves_on_the_port_that_is_named_and_prints_no_secret(shell: Shell) -> None:
    with held_port() as port, agent(shell, "--json", "--port", str(port)) as (process, printed):
        place = json.loads(printed)["set"]
        assert f":{port}/" in place["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        token = Path(place["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read_text()
        assert token not in printed
        assert shell.server.token() not in printed
        assert token not in Path(f"/proc/{process.pid}/cmdline").read_text()


def test_who_has_no_right_gets_no_endpoint(shell: Shell) -> None:
    (shell.home / "token").write_text(shell.server.token(ANNOTATOR))
    with agent(shell) as (process, printed):
        assert (process.wait(60), printed) == (5, "")  # nor is told that there is one


OUTLIVES = (
    READ
    + """
input()
print(s3.get_object(Bucket="{bucket}", Key="train/a.txt")["Body"].read().decode(), flush=True)
"""
)


def test_a_child_reads_on_past_the_end_of_its_first_credential(
    valetkey_server: Installation,
) -> None:
    """The endpoint itself is run here, so that the hour can be made to pass (support.expiry)."""
    transport = ShortLived(timedelta(minutes=5))
    with short_lived_client(valetkey_server, transport) as client:
        current = client.location(LOCATION).renewing()
        with serving(current) as endpoint, token_file(endpoint.token) as file:
            around = environment_for(endpoint, file, current())
            program = OUTLIVES.format(bucket=current().bucket)
            with subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-c", program],
                env=around.applied_to(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as child:
                assert child.stdin is not None
                assert child.stdout is not None
                assert child.stdout.readline() == "a\n"
                first = len(transport.handed_out)
                transport.pass_an_hour()
                child.stdin.write("\n")
                child.stdin.flush()
                assert child.stdout.readline() == "a\n"
                assert child.wait(60) == 0
    assert (first, len(transport.handed_out)) == (1, 2)
