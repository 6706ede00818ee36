"""What trying something at AWS, or at a store, has found."""

from __future__ import annotations

from typing import Annotated, Literal

from valetkey.wire.base import Shape, says
from valetkey.wire.errors import ErrorDetail

Outcome = Literal["passed", "failed", "skipped", "unknown"]
Layer = Literal[
    "credentials",
    "clock",
    "region",
    "identity",
    "trust",
    "permissionsBoundary",
    "session",
    "bucketPolicy",
    "keyPolicy",
    "organisation",
    "vpcEndpoint",
]


class Check(Shape, frozen=True):
    """One claim, and whether it holds."""

    name: Annotated[str, says("Which check it is, for programs.", "sts.identity")]
    claim: Annotated[str, says("What should hold.", "The access key works.")]
    outcome: Annotated[
        Outcome,
        says(
            "`passed`, `failed`, `skipped` (it depends on one that failed), or `unknown` (AWS gave "
            "no answer).",
            "passed",
        ),
    ]
    seconds: Annotated[float, says("How long it took.", 0.12)]
    advisory: Annotated[bool, says("It is worth knowing, and stops nobody from working.", False)]
    cause: Annotated[str | None, says("Why it failed.", "The key is unknown to AWS.")] = None
    fix: Annotated[str | None, says("What to do about it.", "Enter the key again.")] = None
    aws_error: Annotated[str | None, says("AWS's own words.", "InvalidClientTokenId")] = None
    subject: Annotated[
        str | None, says("The location that it is about.", "location:training-data")
    ] = None
    layer: Annotated[Layer | None, says("Who refuses at AWS.", "bucketPolicy")] = None


class Report(Shape, frozen=True):
    """What a verification has found."""

    subject: Annotated[str, says("What was tried, as `kind:id`.", "integration:0198c0de")]
    passed: Annotated[bool, says("No check failed.", True)]
    conclusive: Annotated[bool, says("AWS gave an answer to each check.", True)]
    checks: Annotated[list[Check], says("The checks, in order.")]


class ReportLine(Shape, frozen=True):
    """A line of a verification that is under way: a check, the report at the end, or an error that
    brought it to nothing."""

    check: Annotated[Check | None, says("A check, as soon as it is known.")] = None
    report: Annotated[Report | None, says("The report; nothing comes after it.")] = None
    error: Annotated[ErrorDetail | None, says("Why there is no report.")] = None
