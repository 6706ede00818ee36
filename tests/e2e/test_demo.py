"""The demo, as a newcomer runs it: what it claims is what it prints, and it ends well."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from support.commands import Ran, clean_environment, run_process, start
from valetkey.sdk import Client


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run_process(["demo"], clean_environment(tmp_path_factory.mktemp("home")))


def test_it_ends_well(told: Ran) -> None:
    assert told.code == 0, told.said
    assert "Traceback" not in told.said


HEADINGS = [
    "Create an S3 bucket",
    "Create an IAM policy",
    "Create an IAM user",
    "Create an IAM role",
    "Add an inline IAM policy to the IAM user",
    "Create an access key for the IAM user",
    "Update the trust relationship of the IAM role",
    "Create an AWS STS integration",
    "Create an S3 storage service",
]


def test_it_walks_the_steps_of_the_reference_page_in_their_order(told: Ran) -> None:
    places = [told.out.index(f". {heading}\n") for heading in HEADINGS]
    assert places == sorted(places)


CLAIMS = [
    "All public access to demo-data is blocked.",
    "The user valetkey-user exists, without console access.",
    "The role valetkey-role trusts the user valetkey-user, and nobody else.",
    "role arn:aws:iam::000000000000:role/valetkey-role",
    "Verified: the integration valetkey",
    "Listed train/: 5 objects.",
    "Read train/readme.txt: Whoever may read train/ may read this.",
    "Reading private/salaries.csv, outside: refused (AccessDenied).",
    "Listing private/, outside: refused (AccessDenied).",
    "Writing train/new.txt: refused (AccessDenied).",
    "alone can neither read nor list: refused (AccessDenied).",
]


@pytest.mark.parametrize("claim", CLAIMS)
def test_it_shows(told: Ran, claim: str) -> None:
    assert claim in told.out


def test_it_ends_with_one_line_that_sums_up(told: Ran) -> None:
    last = told.out.rstrip().splitlines()[-1]
    assert "From nothing to temporary credentials" in last


def test_it_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    assert run_process(["demo", "--json"], clean_environment(tmp_path)).code == 0
    assert list(tmp_path.iterdir()) == []


def test_the_server_that_stays_can_be_used_until_it_is_stopped(tmp_path: Path) -> None:
    words = ["demo", "--stay", "--port", "0", "--json"]
    with start(words, clean_environment(tmp_path)) as process:
        out = process.stdout
        assert out is not None
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            lines.append(out.readline())
            assert lines[-1], process.communicate()[1]
        facts = json.loads("".join(lines))
        with Client(facts["url"]) as nobody:
            token = nobody.accounts.create_login(
                email=facts["email"], password=facts["password"]
            ).token
        with Client(facts["url"], token) as owner:
            vended = owner.location(facts["location"]).credentials(["train/"], ttl=900)
            datasets = [dataset.name for dataset in owner.datasets.list()]
        assert vended.endpoint == facts["aws"]
        assert datasets == ["example"]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=90)
        assert process.returncode == 0
