"""Looking on while somebody sets AWS up: what is ticked, and what is said instead."""

from __future__ import annotations

import pytest

from support.memory import KEY, ROLE, Memory
from valetkey.domain.access import ProjectRole
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsRefused, AwsUnavailable, Denied
from valetkey.domain.role_arn import RoleArn
from valetkey.services.setup_watch import SetupState

REFUSED = AwsRefused("AWS does not know the key.", hint="Check it.")
SILENT = AwsUnavailable("AWS is silent.", hint="Wait.")


async def look(memory: Memory, bucket: str = "", *, email: str = "") -> SetupState:
    caller = await (memory.caller(email) if email else memory.caller())
    return await memory.services.setup_watch.look(
        caller, memory.org_id, key=AccessKey(*KEY), role=RoleArn.parse(ROLE), bucket=bucket
    )


@pytest.mark.parametrize(
    ("bucket", "listed"), [("acme", True), ("", False), ("NOT a bucket", False)]
)
async def test_a_bucket_is_looked_for_once_its_name_is_typed(
    memory: Memory, bucket: str, listed: bool
) -> None:
    seen = await look(memory, bucket)
    assert seen.key_works
    assert seen.role_assumed
    assert seen.listed is listed
    assert seen.everything is listed
    assert seen.missing == ""


@pytest.mark.parametrize("failure", [REFUSED, SILENT])
async def test_what_aws_says_is_told_and_not_raised(
    memory: Memory, failure: AwsRefused | AwsUnavailable
) -> None:
    memory.sts.failure = failure
    assert await look(memory, "acme") == SetupState(missing=failure.message, fix=failure.hint)


async def test_a_bucket_that_is_not_there_leaves_the_earlier_steps_ticked(memory: Memory) -> None:
    seen = await look(memory, "elsewhere")
    assert seen.role_assumed
    assert not seen.everything
    assert seen.missing == "There is no such bucket."


async def test_a_stored_key_shows_the_same(memory: Memory) -> None:
    integration = await memory.integration()
    owner = await memory.caller()
    seen = await memory.services.setup_watch.look_again(owner, integration.id, bucket="acme")
    assert seen.everything


async def test_looking_is_for_those_who_manage_integrations(memory: Memory) -> None:
    await memory.member("grace@example.com", ProjectRole.DEVELOPER)
    with pytest.raises(Denied):
        await look(memory, "acme", email="grace@example.com")
    assert memory.sts.orders == []


async def test_looking_stores_and_records_nothing(memory: Memory) -> None:
    before = memory.actions()
    await memory.caller()
    signing_in = len(memory.actions()) - len(before)
    await look(memory, "acme")
    assert len(memory.actions()) == len(before) + 2 * signing_in
