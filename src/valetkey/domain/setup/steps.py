"""What a step of a plan is, and whose an object is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from valetkey.domain.setup.calls import AwsCall
from valetkey.domain.setup.observed import Unreadable
from valetkey.domain.setup.spec import OWNER_TAG, Desired


class StepName(StrEnum):
    """The steps, in order."""

    BUCKET = "bucket"
    PUBLIC_ACCESS = "public-access"
    POLICY = "policy"
    USER = "user"
    ROLE = "role"
    UPLOADS = "unfinished-uploads"
    BOUNDARY = "boundary"
    ATTACHMENT = "attachment"
    ASSUME_POLICY = "assume-policy"
    ROTATION_POLICY = "rotation-policy"
    REVOCATION_POLICY = "revocation-policy"
    ACCESS_KEY = "access-key"
    TRUST = "trust"


class Verdict(StrEnum):
    """What is to be done at a step. ``blocked``: an earlier step's conflict stands before it."""

    NOTHING = "nothing"
    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``claim`` is a sentence that holds once the step is done; ``detail`` says what
    differs; ``surplus`` names what is there beyond the plan, which nobody but its owner removes."""

    name: StepName
    claim: str
    verdict: Verdict
    detail: str = ""
    fix: str = ""
    calls: tuple[AwsCall, ...] = ()
    surplus: tuple[str, ...] = ()


def blocked(step: Step, by: set[StepName]) -> Step:
    """Return the step as it is, or as one that waits for others."""
    if not by:
        return step
    detail = f"waits for {' and '.join(sorted(by))}"
    return Step(step.name, step.claim, Verdict.BLOCKED, detail)


def unreadable(name: StepName, claim: str, part: Unreadable) -> Step:
    """Return the step of an object that could not be looked at."""
    return Step(name, claim, Verdict.UNREADABLE, part.reason, part.fix)


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose an object is: ours (no calls), adoptable (the calls that tag it), or a conflict."""

    conflict: str = ""
    fix: str = ""
    calls: tuple[AwsCall, ...] = ()


def ownership(
    desired: Desired, tags: Mapping[str, str], what: str, tagging: AwsCall, *, adopt: bool
) -> Ownership:
    """Judge by the tags whose an object is; ``tagging`` is the call that takes it over."""
    owner = tags.get(OWNER_TAG)
    if owner == desired.name:
        return Ownership()
    if owner is not None:
        return Ownership(
            f"{what} belongs to the set-up {owner!r}.",
            f"Use --name {owner}, or choose another name for it in this set-up.",
        )
    if not adopt:
        return Ownership(
            f"{what} is there already, and Valetkey did not make it.",
            "Choose another name, or take it over with --adopt.",
        )
    return Ownership(calls=(tagging,))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the form in which AWS takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def judge(
    name: StepName,
    claim: str,
    owned: Ownership,
    updates: list[tuple[str, AwsCall]],
    surplus: tuple[str, ...] = (),
) -> Step:
    """Put a step together from whose the object is and what differs."""
    if owned.conflict:
        return Step(name, claim, Verdict.CONFLICT, owned.conflict, owned.fix)
    detail = "; ".join(dict.fromkeys(reason for reason, _ in updates if reason))
    calls = (*owned.calls, *(call for _, call in updates))
    verdict = Verdict.ADOPT if owned.calls else Verdict.UPDATE if updates else Verdict.NOTHING
    return Step(name, claim, verdict, detail, calls=calls, surplus=surplus)
