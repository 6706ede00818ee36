"""The first steps: the bucket, its public access block, and the policy that opens it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from valetkey.counting import counted
from valetkey.domain.setup import policies
from valetkey.domain.setup.calls import AwsCall, iam, s3
from valetkey.domain.setup.observed import ObservedBucket, ObservedPolicy, Unreadable
from valetkey.domain.setup.spec import ADOPTED, Desired
from valetkey.domain.setup.steps import (
    Step,
    StepName,
    Verdict,
    blocked,
    judge,
    ownership,
    tag_list,
    unreadable,
)

#: IAM keeps at most five versions of a policy.
MOST_VERSIONS: Final = 5


PUBLIC_ACCESS_BLOCK: Final = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def bucket_steps(
    desired: Desired, seen: ObservedBucket | Unreadable | None, *, adopt: bool
) -> tuple[Step, ...]:
    """The bucket, and its public access block."""
    claim = f"The bucket {desired.bucket} is in {desired.region}."
    block_claim = f"All public access to {desired.bucket} is blocked."
    block = s3(
        "PutPublicAccessBlock",
        desired.region,
        Bucket=desired.bucket,
        PublicAccessBlockConfiguration=PUBLIC_ACCESS_BLOCK,
    )
    blocking = Step(StepName.PUBLIC_ACCESS, block_claim, Verdict.CREATE, calls=(block,))
    if isinstance(seen, Unreadable):
        first = unreadable(StepName.BUCKET, claim, seen)
    elif seen is None:
        return (
            Step(StepName.BUCKET, claim, Verdict.CREATE, calls=(_create_bucket(desired),)),
            blocking,
        )
    else:
        first = _existing_bucket(desired, seen, claim, adopt=adopt)
        if seen.public_access == PUBLIC_ACCESS_BLOCK:
            blocking = Step(StepName.PUBLIC_ACCESS, block_claim, Verdict.NOTHING)
        else:
            off = [name for name in PUBLIC_ACCESS_BLOCK if not (seen.public_access or {}).get(name)]
            detail = f"{', '.join(off)} is off"
            blocking = Step(
                StepName.PUBLIC_ACCESS, block_claim, Verdict.UPDATE, detail, calls=(block,)
            )
    stuck = first.verdict in {Verdict.CONFLICT, Verdict.UNREADABLE}
    return first, blocked(blocking, {StepName.BUCKET} if stuck else set())


def uploads_steps(desired: Desired, seen: ObservedBucket | Unreadable | None) -> list[Step]:
    """The bucket's rule for unfinished uploads, which only a set-up that wants one has. S3 takes
    all rules at once, so those that are there go along."""
    days = desired.end_uploads_after_days
    if not days:
        return []
    claim = f"Parts of uploads that nobody ended are deleted after {counted(days, 'day')}."
    there = seen.lifecycle if isinstance(seen, ObservedBucket) else None
    if isinstance(there, Unreadable):
        return [unreadable(StepName.UPLOADS, claim, there)]
    rule = policies.uploads_rule(desired)
    rules = list((there or {}).get("Rules", ()))
    if rule in rules:
        return [Step(StepName.UPLOADS, claim, Verdict.NOTHING)]
    others = [other for other in rules if other.get("ID") != desired.uploads_rule]
    put = put_lifecycle(desired.bucket, desired.region, there or {}, [*others, rule])
    verdict = Verdict.CREATE if len(others) == len(rules) else Verdict.UPDATE
    detail = "" if verdict is Verdict.CREATE else "the rule is not the planned one"
    return [Step(StepName.UPLOADS, claim, verdict, detail, calls=(put,))]


def put_lifecycle(
    bucket: str, region: str, before: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]
) -> AwsCall:
    """Return the call that gives a bucket these lifecycle rules, and keeps what else was said."""
    least = before.get("TransitionDefaultMinimumObjectSize")
    return s3(
        "PutBucketLifecycleConfiguration",
        region,
        Bucket=bucket,
        LifecycleConfiguration={"Rules": list(rules)},
        **({"TransitionDefaultMinimumObjectSize": least} if least else {}),
    )


def _existing_bucket(desired: Desired, seen: ObservedBucket, claim: str, *, adopt: bool) -> Step:
    if seen.foreign:
        return Step(
            StepName.BUCKET,
            claim,
            Verdict.CONFLICT,
            f"The name {desired.bucket} is taken: bucket names are shared by all AWS accounts, and "
            "this one is not in yours, or your credentials may not see it.",
            "Choose another name with --bucket.",
        )
    if seen.region != desired.region:
        return Step(
            StepName.BUCKET,
            claim,
            Verdict.CONFLICT,
            f"The bucket {desired.bucket} is in {seen.region}, and a bucket can't be moved.",
            f"Use --region {seen.region}, or choose another name with --bucket.",
        )
    tags = dict(seen.tags or {})
    tagging = s3(
        "PutBucketTagging",
        desired.region,
        Bucket=desired.bucket,
        # The call replaces all tags, so those that are there go along.
        Tagging={"TagSet": tag_list(tags | desired.tags(ADOPTED))},
    )
    what = f"The bucket {desired.bucket}"
    return judge(StepName.BUCKET, claim, ownership(desired, tags, what, tagging, adopt=adopt), [])


def _create_bucket(desired: Desired) -> AwsCall:
    configuration: dict[str, object] = {"Tags": tag_list(desired.tags())}
    # S3 refuses its oldest region as a constraint: there, absence means it.
    if desired.region != "us-east-1":
        configuration = {"LocationConstraint": desired.region} | configuration
    return s3(
        "CreateBucket",
        desired.region,
        Bucket=desired.bucket,
        CreateBucketConfiguration=configuration,
    )


def policy_step(desired: Desired, seen: ObservedPolicy | Unreadable | None, *, adopt: bool) -> Step:
    """The policy that opens the bucket or its folder."""
    where = f"the folder {desired.folder} of {desired.bucket}" if desired.folder else desired.bucket
    claim = f"The policy {desired.policy} opens {where} for list, read, write and delete."
    document = policies.bucket_access(desired)
    if isinstance(seen, Unreadable):
        return unreadable(StepName.POLICY, claim, seen)
    if seen is None:
        create = iam(
            "CreatePolicy",
            PolicyName=desired.policy,
            PolicyDocument=policies.to_json(document),
            Tags=tag_list(desired.tags()),
        )
        return Step(StepName.POLICY, claim, Verdict.CREATE, calls=(create,))
    tagging = iam("TagPolicy", PolicyArn=desired.policy_arn, Tags=tag_list(desired.tags(ADOPTED)))
    owned = ownership(desired, seen.tags, f"The policy {desired.policy}", tagging, adopt=adopt)
    updates: list[tuple[str, AwsCall]] = []
    if not policies.same(seen.document, document):
        why = "its document is not the planned one"
        updates = [(why, call) for call in _new_version(desired, seen, document)]
    return judge(StepName.POLICY, claim, owned, updates)


def _new_version(
    desired: Desired, seen: ObservedPolicy, document: policies.PolicyDocument
) -> list[AwsCall]:
    calls = []
    if len(seen.versions) >= MOST_VERSIONS:
        spare = [version for version in seen.versions if not version.default]
        oldest = min(spare, key=lambda version: version.created_at)
        calls.append(iam("DeletePolicyVersion", PolicyArn=desired.policy_arn, VersionId=oldest.id))
    calls.append(
        iam(
            "CreatePolicyVersion",
            PolicyArn=desired.policy_arn,
            PolicyDocument=policies.to_json(document),
            SetAsDefault=True,
        )
    )
    return calls
