"""The reference page, step by step, through `setup aws apply`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from valetkey.cli.demo.story import Story, Unexpected
from valetkey.cli.setup.options import CustodianOptions, SetupTarget
from valetkey.cli.setup.running import open_tools
from valetkey.domain.credentials import AccessKey
from valetkey.services.setup import Phase, StepEvent

BUCKET: Final = "demo-data"
#: The page's headings, by the set-up's steps in the order in which they are done.
_HEADINGS: Final[Mapping[str, str]] = {
    "bucket": "Create an S3 bucket",
    "public-access": "Create an S3 bucket",
    "policy": "Create an IAM policy",
    "user": "Create an IAM user",
    "role": "Create an IAM role",
    "attachment": "Create an IAM role",
    "assume-policy": "Add an inline IAM policy to the IAM user",
    "rotation-policy": "Add an inline IAM policy to the IAM user",
    "access-key": "Create an access key for the IAM user",
    "trust": "Update the trust relationship of the IAM role",
    "prove": "Create an AWS STS integration",
}
_LAST_HEADING: Final = "Create an S3 storage service"


async def set_up(story: Story, url: str, token_file: Path, endpoint: str) -> AccessKey:
    """Make the AWS side and register it; return the integration's key, which nobody but the
    server keeps."""
    keys: list[AccessKey] = []
    target = SetupTarget(bucket=BUCKET)
    keeper = CustodianOptions(url=url, token_file=token_file, location=BUCKET, endpoint=endpoint)
    heading = ""

    def progress(event: StepEvent) -> None:
        nonlocal heading
        if event.step == "register":
            return  # told below, under two headings
        wanted = _HEADINGS.get(event.step, heading)
        if event.phase is Phase.STARTED and wanted != heading:
            heading = wanted
            story.chapter(heading)
        elif event.phase is Phase.DONE:
            story.tell(event.text)

    async with open_tools(target, keeper, witness=keys.append) as tools:
        applied = await tools.setup.apply(tools.spec, progress=progress)
    desired = applied.desired
    if not applied.complete or len(keys) != 1:
        failed = [check.claim for check in applied.report.checks if check.outcome == "failed"]
        raise Unexpected(f"The set-up did not end as it must: {'; '.join(failed)}")
    integration, *locations = applied.registered
    story.tell(f"{integration} Key {applied.key_id}, secret sealed, role {desired.role_arn}.")
    story.chapter(_LAST_HEADING)
    for location in locations:
        story.tell(location)
    return keys[0]
