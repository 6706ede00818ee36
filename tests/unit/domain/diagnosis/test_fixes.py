"""What is to be pasted and run is exact: the page's JSON, with the names at hand."""

from __future__ import annotations

import json
import shlex

import pytest

from support.setup_states import make_desired
from valetkey.domain.diagnosis import Layer, Names, fixes
from valetkey.domain.diagnosis.layers import KNOWN_ERRORS
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.setup import policies

DESIRED = make_desired()
NAMES = Names(RoleArn.parse(DESIRED.role_arn), DESIRED.user_arn, DESIRED.bucket, DESIRED.folder)


def pasted(fix: str) -> object:
    """The JSON that stands in a fix."""
    start = fix.index("\n{")
    return json.JSONDecoder().raw_decode(fix, start + 1)[0]


def test_the_documents_are_those_that_the_setup_puts() -> None:
    assert pasted(fixes.allow_assume(NAMES)) == policies.assume_role(DESIRED)
    assert pasted(fixes.trust_user(NAMES)) == policies.trust(DESIRED)
    assert pasted(fixes.allow_access(NAMES)) == policies.bucket_access(DESIRED)


@pytest.mark.parametrize(
    ("fix", "option"),
    [
        (fixes.allow_assume(NAMES), "--policy-document"),
        (fixes.trust_user(NAMES), "--policy-document"),
        (fixes.allow_access(NAMES), "--policy-document"),
        (fixes.allow_browsers(NAMES, "https://a.example"), "--cors-configuration"),
    ],
)
def test_the_command_does_what_the_json_says(fix: str, option: str) -> None:
    words = shlex.split(fix.splitlines()[-1])
    assert words[0] == "aws"
    assert json.loads(words[words.index(option) + 1])


def test_a_hostile_folder_stays_one_word_of_the_command() -> None:
    names = Names(NAMES.role, NAMES.user_arn, "acme", "it's; rm -rf $HOME/\n/")
    words = shlex.split(fixes.allow_access(names).splitlines()[-1])
    assert words.index("--policy-document") == len(words) - 2


def test_an_external_id_is_part_of_the_trust() -> None:
    names = Names(NAMES.role, NAMES.user_arn, external_id="org-1")
    assert '"sts:ExternalId": "org-1"' in fixes.trust_user(names)


def test_what_is_not_known_has_a_word_in_its_place() -> None:
    assert "user/USER" in fixes.trust_user(Names(NAMES.role))


def test_every_layer_has_words_for_newcomers() -> None:
    assert set(KNOWN_ERRORS) == set(Layer)
