"""Verification with an administrator's AWS credentials, found on this machine as every AWS tool
finds them. They are sent to AWS alone, never to the server, and stored nowhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from valetkey.cli import show
from valetkey.cli.administrator import AdministratorOptions
from valetkey.cli.reports import show_checks
from valetkey.domain.diagnosis.view import Subject
from valetkey.domain.errors import InvalidInput
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.setup import AwsCall
from valetkey.domain.verification import Check
from valetkey.services.diagnosis import Diagnosis, Repair
from valetkey.wire.integrations import Integration
from valetkey.wire.locations import Location


@dataclass(frozen=True, slots=True)
class BucketView:
    """What an administrator's view showed of one bucket."""

    subject: Subject
    repair: Repair

    @property
    def checks(self) -> tuple[Check, ...]:
        drift = self.repair.drift or ()
        return (*self.repair.report.checks, *(difference.check for difference in drift))


def subjects_of(integration: Integration, locations: Sequence[Location]) -> list[Subject]:
    """Return what to look at: the role, through each location on it. Raises InvalidInput."""
    role, key = RoleArn.parse(integration.role_arn or ""), integration.access_key_id or ""
    places = [
        Subject(role, key, location.bucket, location.folder or "", location.region or "")
        for location in locations
        if location.integration_id == integration.id and not location.endpoint
    ]
    return places or [Subject(role, key)]


def look(
    subjects: Sequence[Subject], admin: AdministratorOptions, *, as_json: bool
) -> list[BucketView]:
    """Look, and show what is wrong; with ``repair``, fix it and look again.

    Raises InvalidInput, AwsRefused, AwsUnavailable.
    """
    return asyncio.run(_look(subjects, admin, as_json=as_json))


async def _look(
    subjects: Sequence[Subject], admin: AdministratorOptions, *, as_json: bool
) -> list[BucketView]:
    from valetkey.aws.admin import AdminApi  # noqa: PLC0415  # an extra brings what it needs
    from valetkey.system import SystemClock, SystemEntropy  # noqa: PLC0415

    region = next((subject.region for subject in subjects if subject.region), "")
    api = AdminApi(profile=admin.aws_profile, region=region)
    try:
        diagnosis = Diagnosis(api, SystemClock(), SystemEntropy())
        seen = [await _see(diagnosis, subject) for subject in subjects]
        if not as_json:
            _show(seen)
        if admin.repair:
            await _repair(diagnosis, seen, admin, as_json=as_json)
            seen = [await _see(diagnosis, subject) for subject in subjects]
    finally:
        api.close()
    return seen


async def _see(diagnosis: Diagnosis, subject: Subject) -> BucketView:
    return BucketView(subject, await diagnosis.look(subject))


def _show(seen: Sequence[BucketView]) -> None:
    console = show.output()
    for one in seen:
        where = (
            f"s3://{one.subject.bucket}/{one.subject.prefix}" if one.subject.bucket else "the role"
        )
        console.print(f"\nAs the administrator sees {where}:", highlight=False, markup=False)
        show_checks(console, one.checks)
        if one.repair.drift is None and one.subject.bucket:
            show.say("Valetkey did not make this set-up, so there is no plan to compare it with.")
        if one.repair.calls:
            show.say("The same command with --repair does:")
            show.say("\n".join(f"  {_words(call)}" for call in one.repair.calls))


async def _repair(
    diagnosis: Diagnosis, seen: Sequence[BucketView], admin: AdministratorOptions, *, as_json: bool
) -> None:
    calls = [call for one in seen for call in one.repair.calls]
    if not calls:
        show.say("There is nothing that --repair can fix.")
        return
    if not admin.yes:
        _ask(as_json=as_json)
    for one in seen:
        await diagnosis.repair(one.subject, one.repair)
    show.say("\n".join(f"Done: {_words(call)}" for call in calls))


def _ask(*, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise InvalidInput(
            "Nobody is there to be asked, and nothing was changed.",
            hint="Add --yes when the list above is what shall be done.",
        )
    if show.messages().input("Do this at AWS? Type yes: ").strip() != "yes":
        raise InvalidInput("Nothing was changed.", hint="Run the command again when you are sure.")


def _words(call: AwsCall) -> str:
    names = [str(value) for name, value in call.parameters.items() if name.endswith("Name")]
    return f"{call.action} on {', '.join(names) or call.parameters.get('Bucket', '')}"


def as_data(seen: Sequence[BucketView]) -> list[dict[str, Any]]:
    """Return what was seen, for programs."""
    return [
        {
            "roleArn": str(one.subject.role),
            "bucket": one.subject.bucket,
            "folder": one.subject.prefix,
            "passed": one.repair.report.passed,
            "plan": one.repair.drift is not None,
            "checks": [_check_data(check) for check in one.checks],
            "repair": [
                {"action": call.action, "parameters": dict(call.parameters)}
                for call in one.repair.calls
            ],
        }
        for one in seen
    ]


def _check_data(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "claim": check.claim,
        "outcome": str(check.outcome),
        "cause": check.cause,
        "fix": check.fix,
        "layer": check.layer,
        "advisory": check.advisory,
    }
