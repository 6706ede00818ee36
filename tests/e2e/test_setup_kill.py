"""The kill test: ``apply`` is killed (SIGKILL, a real process) after each single call to AWS, then
run again. It always ends in the same state, with no orphan."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.aws import ACCOUNT, client
from support.counting_proxy import CountingProxy
from support.setup_aws import environment
from valetkey.embedded import EmbeddedAws

ROOT = Path(__file__).parents[2]

#: How many calls an undisturbed apply makes; a test below holds the table to it.
CALLS = 41


class Machine:
    """An administrator's machine whose way to AWS leads through the counting door."""

    def __init__(self, aws: EmbeddedAws, proxy: CountingProxy, home: Path) -> None:
        self.aws = aws
        self.proxy = proxy
        self.secret_file = home / "key.json"
        self.environment = (
            {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
            | environment(proxy.endpoint, aws.administrator)
            | {
                "PYTHONPATH": str(ROOT / "src"),
                "HOME": str(home),
                "XDG_STATE_HOME": str(home / "state"),
            }
        )

    def apply(self) -> subprocess.Popen[bytes]:
        command = ["apply", "--bucket", "acme-data", "--secret-file", str(self.secret_file)]
        return subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "valetkey.cli.setup", "aws", *command],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def apply_killed_at(self, number: int) -> int:
        """Run apply, and kill it once AWS has carried out call ``number`` and before the answer
        arrives. Returns the exit code."""
        running: list[subprocess.Popen[bytes]] = []
        started = threading.Event()

        def strike(at: int) -> bool:
            if at == number:
                started.wait()
                running[0].send_signal(signal.SIGKILL)
            return at < number

        self.proxy.start_counting(strike)
        running.append(self.apply())
        started.set()
        running[0].communicate()
        return running[0].returncode

    def apply_to_the_end(self) -> str:
        self.proxy.start_counting(lambda _: True)
        process = self.apply()
        output, _ = process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    def state(self) -> dict[str, Any]:
        """All that a set-up can leave at AWS, without what differs from run to run."""
        iam, s3 = client(self.aws, "iam"), client(self.aws, "s3")
        arn = f"arn:aws:iam::{ACCOUNT}:policy/valetkey-s3"
        inline = iam.list_user_policies(UserName="valetkey-user")["PolicyNames"]
        return {
            "users": [user["UserName"] for user in iam.list_users()["Users"]],
            "keys": len(iam.list_access_keys(UserName="valetkey-user")["AccessKeyMetadata"]),
            "inline": {
                name: iam.get_user_policy(UserName="valetkey-user", PolicyName=name)[
                    "PolicyDocument"
                ]
                for name in inline
            },
            "roles": [
                (role["RoleName"], role["AssumeRolePolicyDocument"])
                for role in iam.list_roles()["Roles"]
            ],
            "attached": iam.list_attached_role_policies(RoleName="valetkey-role")[
                "AttachedPolicies"
            ],
            "policies": [
                policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]
            ],
            "document": iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"][
                "Document"
            ],
            "buckets": [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
            "blocked": s3.get_public_access_block(Bucket="acme-data")[
                "PublicAccessBlockConfiguration"
            ],
            "tags": s3.get_bucket_tagging(Bucket="acme-data")["TagSet"],
        }

    def leftovers(self) -> list[str]:
        """Journals that still explain something."""
        return [path.name for path in (self.secret_file.parent / "state").rglob("*.json")]


@pytest.fixture
def machine(embedded_aws: EmbeddedAws, tmp_path: Path) -> Iterator[Machine]:
    with CountingProxy(embedded_aws.endpoint) as proxy:
        yield Machine(embedded_aws, proxy, tmp_path)


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """The state that an undisturbed apply ends in, found out once."""
    return {}


def test_the_table_has_a_row_for_every_call_of_apply(machine: Machine) -> None:
    machine.apply_to_the_end()
    assert machine.proxy.count == CALLS


@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_killed_after_any_call_and_run_again_it_ends_in_the_same_state(
    machine: Machine, expected: dict[str, Any], number: int
) -> None:
    if not expected:
        machine.apply_to_the_end()
        expected.update(machine.state())
        machine.aws.reset()
        machine = Machine(machine.aws, machine.proxy, machine.secret_file.parent)
        machine.secret_file.unlink()
    assert machine.apply_killed_at(number) == -signal.SIGKILL
    machine.apply_to_the_end()
    assert machine.state() == expected
    assert machine.leftovers() == []
    # The one key that is left is the one whose secret is held.
    (key,) = client(machine.aws, "iam").list_access_keys(UserName="valetkey-user")[
        "AccessKeyMetadata"
    ]
    assert key["AccessKeyId"] in machine.secret_file.read_text()


def test_killed_again_and_again_it_still_ends_in_the_same_state(machine: Machine) -> None:
    # Each run dies a few calls further on; none of them is ever run to its end before the last.
    for number in range(6, CALLS, 8):
        assert machine.apply_killed_at(number) == -signal.SIGKILL
    machine.apply_to_the_end()
    assert machine.state()["keys"] == 1
    assert machine.leftovers() == []


def test_a_second_apply_at_the_same_time_is_turned_away_and_the_first_goes_on(
    machine: Machine,
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def strike(at: int) -> bool:
        if at == CALLS // 2:
            reached.set()
            go_on.wait()
        return True

    machine.proxy.start_counting(strike)
    first = machine.apply()
    try:
        assert reached.wait(60)
        second = machine.apply()
        output, _ = second.communicate()
    finally:
        go_on.set()
    assert second.returncode == 6
    assert "Another run of this set-up is at work" in output.decode()
    output, _ = first.communicate()
    assert first.returncode == 0, output.decode()
    assert machine.state()["keys"] == 1
