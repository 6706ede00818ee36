"""``valetkey exec`` with real children: the AWS CLI and the libraries, against a real server."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.server import ANNOTATOR, OBJECTS
from support.shell import AWS, ROGUE, Shell


def test_the_aws_cli_lists_the_drivers_folder_and_is_refused_outside_it(shell: Shell) -> None:
    bucket = shell.server.setup.bucket
    listed = shell.exec(AWS, "s3", "ls", "--recursive", f"s3://{bucket}/train/")
    assert listed.returncode == 0, listed.stderr
    names = {line.split()[-1] for line in listed.stdout.splitlines()}
    assert names == {key for key in OBJECTS if key.startswith("train/")}
    refused = shell.exec(AWS, "s3", "ls", f"s3://{bucket}/other/")
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr


PROGRAMS = {
    "boto3": """
import boto3
print(boto3.client("s3").get_object(Bucket="{bucket}", Key="train/a.txt")["Body"].read().decode())
""",
    "s3fs": """
import s3fs
print(s3fs.S3FileSystem().cat_file("{bucket}/train/a.txt").decode())
""",
    "polars": """
import polars
print(polars.scan_csv("s3://{bucket}/train/table.csv").collect()["name"][0][:1].replace("c", "a"))
""",
    "obstore": """
import obstore
from obstore.store import S3Store
print(bytes(obstore.get(S3Store("{bucket}"), "train/a.txt").bytes()).decode())
""",
}


@pytest.mark.parametrize("library", PROGRAMS)
def test_a_library_in_the_child_needs_no_word_of_configuration(shell: Shell, library: str) -> None:
    assert shell.python(PROGRAMS[library].format(bucket=shell.server.setup.bucket)) == "a\n"


@pytest.mark.parametrize("code", [0, 42])
def test_the_childs_exit_code_is_passed_on(shell: Shell, code: int) -> None:
    assert shell.exec(sys.executable, "-c", f"raise SystemExit({code})").returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_child_which_has_the_last_word(
    shell: Shell, number: signal.Signals
) -> None:
    program = f"""
import signal
signal.signal({int(number)}, lambda *_: exit(7))
print("ready")
while True: signal.pause()
"""
    with shell.start(program) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        parent.send_signal(number)
        assert parent.wait(60) == 7


def test_a_child_that_a_signal_ends_gives_128_and_the_signals_number(shell: Shell) -> None:
    done = shell.exec(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert done.returncode == 128 + 9


@pytest.mark.parametrize(
    ("command", "code"), [("there-is-no-such-command", 127), (os.devnull, 126)]
)
def test_a_command_that_cant_start_says_so_as_a_shell_does(
    shell: Shell, command: str, code: int
) -> None:
    done = shell.exec(command)
    assert done.returncode == code
    assert command in done.stderr


def test_who_has_no_right_gets_no_child(shell: Shell) -> None:
    (shell.home / "token").write_text(shell.server.token(ANNOTATOR))
    done = shell.exec(sys.executable, "-c", "print('started')")
    assert (done.returncode, done.stdout) == (5, "")  # nor is told that there is one


LOOK = """
import json, os, pathlib
file = pathlib.Path(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
proc = pathlib.Path("/proc")
print(json.dumps({
    "environment": dict(os.environ),
    "token": file.read_text(),
    "file": str(file),
    "mode": file.stat().st_mode & 0o777,
    "folder_mode": file.parent.stat().st_mode & 0o777,
    "parent": (proc / str(os.getppid()) / "cmdline").read_text()
        + (proc / str(os.getppid()) / "environ").read_text(),
    "child": (proc / "self/cmdline").read_text() + (proc / "self/environ").read_text(),
}))
"""


def test_no_secret_is_in_the_process_list_and_the_token_file_is_private_and_goes(
    shell: Shell,
) -> None:
    seen = json.loads(shell.python(LOOK))
    assert (seen["mode"], seen["folder_mode"]) == (0o600, 0o700)
    assert len(seen["token"]) >= 32
    assert seen["token"].split() == [seen["token"]]
    assert not Path(seen["file"]).parent.exists()
    for secret in (shell.server.token(), seen["token"], "ASIA"):
        assert secret not in seen["parent"]
        assert secret not in seen["child"]


def test_what_would_win_over_the_endpoint_is_kept_from_the_child(shell: Shell) -> None:
    environment = json.loads(shell.python(LOOK))["environment"]
    assert ROGUE not in environment.values()
    assert environment.keys().isdisjoint({"AWS_PROFILE", "VALETKEY_TOKEN_FILE", "VALETKEY_TOKEN"})
    assert environment["AWS_REGION"] == shell.server.location.region


def test_the_endpoint_closes_with_the_child(shell: Shell) -> None:
    address = json.loads(shell.python(LOOK))["environment"]["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=90)
    with pytest.raises(ConnectionRefusedError):
        connection.request("GET", urlsplit(address).path)
