"""Small changes to a good set-up, and what verification must say of each: the first check that
fails, what its cause mentions, and which layer an administrator's view must name.

``injected``: the embedded AWS can't get into this state, so that its answer is ordered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from support.diagnosing import ORIGIN, World, allow, deny
from valetkey.domain.credentials import AccessKey
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret

ANYWHERE_ELSE: Final = {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
LAST_YEAR: Final = {"Condition": {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}
WITH_MFA: Final = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
ASSUME: Final = "sts:AssumeRole"
READ_WRITE: Final = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]


@dataclass(frozen=True)
class Broken:
    """``says`` stands in the cause of the check. ``advisory``: everything works all the same.
    ``layer`` is what the administrator's view must name (empty: it need not)."""

    name: str
    change: Callable[[World], object]
    check: str
    says: str
    layer: str = ""
    injected: bool = False
    advisory: bool = False
    unknown: bool = False


def _external(text: str) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {"sts:ExternalId": text}}}


def _delete_user(world: World) -> None:
    user = world.setup.user
    world.iam.delete_access_key(UserName=user, AccessKeyId=world.setup.key.id)
    world.iam.delete_user_policy(UserName=user, PolicyName="assume")
    world.iam.delete_user(UserName=user)


def _delete_role(world: World) -> None:
    world.detach()
    world.iam.delete_role(RoleName=world.setup.role)


def _wrong_key(world: World) -> None:
    world.key = AccessKey("AKIA" + "Q" * 16, world.key.secret)


def _wrong_secret(world: World) -> None:
    world.key = AccessKey(world.key.id, Secret("x" * 40))


def _secret_of_another_key(world: World) -> None:
    other = world.iam.create_access_key(UserName=world.setup.user)["AccessKey"]
    world.key = AccessKey(world.key.id, Secret(other["SecretAccessKey"]))


def _clock(minutes: int) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.aws.clock_offset = timedelta(minutes=minutes)

    return change


def _group_denies(world: World) -> None:
    name = f"{world.setup.user}-group"
    world.iam.create_group(GroupName=name)
    world.iam.add_user_to_group(GroupName=name, UserName=world.setup.user)
    world.iam.put_group_policy(
        GroupName=name,
        PolicyName="no",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Deny",'
        '"Action":"sts:*","Resource":"*"}]}',
    )


def _role_in_capitals(world: World) -> None:
    world.user_policy(allow(ASSUME, "*"))
    world.believe(role_arn=RoleArn.parse(world.setup.role_arn.replace("-role", "-Role")))


def _role_of_another_account(world: World) -> None:
    world.user_policy(allow(ASSUME, "*"))
    arn = world.setup.role_arn.replace("000000000000", "111111111111")
    world.believe(role_arn=RoleArn.parse(arn))


def _external_id_not_demanded(world: World) -> None:
    world.believe(external_id="org-4711")


def _wrong_external_id(world: World) -> None:
    world.trust_user(**_external("org-0815"))
    world.believe(external_id="org-4711")


def _delete_bucket(world: World) -> None:
    world.s3.delete_bucket(Bucket=world.setup.bucket)


def _public(world: World) -> None:
    world.s3.delete_public_access_block(Bucket=world.setup.bucket)
    world.add_to_role(allow("s3:GetBucketPublicAccessBlock", world.bucket_arn))


def _public_in_part(world: World) -> None:
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False}
    world.s3.put_public_access_block(
        Bucket=world.setup.bucket, PublicAccessBlockConfiguration=block
    )
    world.add_to_role(allow("s3:GetBucketPublicAccessBlock", world.bucket_arn))


def _without(action: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        rest = [name for name in READ_WRITE if name != action]
        world.role_policy(allow("s3:ListBucket", world.bucket_arn), allow(rest, world.objects))

    return change


def _revoked(world: World) -> None:
    later = {"Condition": {"DateLessThan": {"aws:TokenIssueTime": "2100-01-01T00:00:00Z"}}}
    world.add_to_role(deny("*", "*", **later))


def _no_cors(world: World) -> None:
    world.s3.delete_bucket_cors(Bucket=world.setup.bucket)


def _kms(operation: str, action: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        message = (
            f"User: arn:aws:sts::000000000000:assumed-role/{world.setup.role}/valetkey-verify is "
            f"not authorized to perform: {action} on resource: "
            "arn:aws:kms:eu-central-1:000000000000:key/1 because no resource-based policy allows "
            f"the {action} action"
        )
        world.fault("s3", operation, "AccessDenied", message)

    return change


def _no_trust(action: str) -> str:
    return f"not authorized to perform: {action} because no role trust policy allows the action"


def _denial(layer: str) -> str:
    return f"not authorized to perform: sts:AssumeRole with an explicit deny in a {layer}"


KEYS: Final = (
    Broken(
        "the key is inactive",
        lambda w: w.iam.update_access_key(
            UserName=w.setup.user, AccessKeyId=w.setup.key.id, Status="Inactive"
        ),
        "key",
        "inactive",
        "credentials",
    ),
    Broken(
        "the key was deleted",
        lambda w: w.iam.delete_access_key(UserName=w.setup.user, AccessKeyId=w.setup.key.id),
        "key",
        "deleted",
        "credentials",
    ),
    Broken("the key is mistyped", _wrong_key, "key", "mistyped", "credentials"),
    Broken("the user was deleted", _delete_user, "key", "deleted", "credentials"),
    Broken("the secret is mistyped", _wrong_secret, "secret", "secret access key is wrong"),
    Broken("the secret is another key's", _secret_of_another_key, "secret", "is wrong"),
    Broken("our clock is slow", _clock(10), "clock", "behind AWS's", injected=True),
    Broken("our clock is fast", _clock(-10), "clock", "ahead of AWS's", injected=True),
    Broken(
        "STS is switched off in the region",
        lambda w: w.fault(
            "sts", "", "RegionDisabledException", "STS is not activated in this region"
        ),
        "sts",
        "switched off in this region",
        injected=True,
    ),
    Broken(
        "the endpoint is another region's",
        lambda w: w.fault(
            "sts",
            "GetCallerIdentity",
            "SignatureDoesNotMatch",
            "Credential should be scoped to a valid region.",
        ),
        "sts",
        "another region than the endpoint",
        injected=True,
    ),
    Broken(
        "STS asks for patience",
        lambda w: w.fault("sts", "GetCallerIdentity", "Throttling", "Rate exceeded", status=400),
        "sts",
        "patience",
        injected=True,
        unknown=True,
    ),
)

IDENTITY: Final = (
    Broken(
        "the inline policy is missing",
        lambda w: w.iam.delete_user_policy(UserName=w.setup.user, PolicyName="assume"),
        "assume",
        "no right to assume",
        "identity",
    ),
    Broken(
        "the inline policy names another role",
        lambda w: w.user_policy(allow(ASSUME, "arn:aws:iam::000000000000:role/other")),
        "assume",
        "names another role",
        "identity",
    ),
    Broken(
        "the inline policy writes the role in capitals",
        lambda w: w.user_policy(allow(ASSUME, w.setup.role_arn.upper())),
        "assume",
        "names another role",
        "identity",
    ),
    Broken(
        "the inline policy still has the page's placeholder",
        lambda w: w.user_policy(
            allow(ASSUME, "arn:aws:iam::<YourAWSAccountId>:role/<IAMRoleName>")
        ),
        "assume",
        "names another role",
        "identity",
    ),
    Broken(
        "the inline policy allows another action",
        lambda w: w.user_policy(allow("sts:TagSession", w.setup.role_arn)),
        "assume",
        "no right to assume",
        "identity",
    ),
    Broken(
        "the inline policy holds elsewhere only",
        lambda w: w.user_policy(allow(ASSUME, w.setup.role_arn, **ANYWHERE_ELSE)),
        "assume",
        "no right to assume",
        "identity",
    ),
    Broken(
        "the inline policy is over",
        lambda w: w.user_policy(allow(ASSUME, w.setup.role_arn, **LAST_YEAR)),
        "assume",
        "no right to assume",
        "identity",
    ),
    Broken(
        "another policy of the user denies",
        lambda w: w.user_policy(deny(ASSUME, "*"), name="no"),
        "assume",
        "forbids it expressly",
        "identity",
    ),
    Broken(
        "a group of the user denies", _group_denies, "assume", "forbids it expressly", "identity"
    ),
    Broken(
        "the user's boundary leaves it out",
        lambda w: w.bound_user(allow("s3:*", "*")),
        "assume",
        "no right to assume",
        "permissionsBoundary",
    ),
    Broken(
        "the user's boundary, in AWS's own words",
        lambda w: w.fault("sts", "AssumeRole", "AccessDenied", _denial("permissions boundary")),
        "assume",
        "permissions boundary denies",
        injected=True,
    ),
    Broken(
        "the organisation denies",
        lambda w: w.fault("sts", "AssumeRole", "AccessDenied", _denial("service control policy")),
        "assume",
        "service control policy",
        injected=True,
    ),
)

TRUST: Final = (
    Broken(
        "the trust policy names another user",
        lambda w: w.trust({"AWS": "arn:aws:iam::000000000000:user/somebody"}),
        "trust",
        "let the user assume",
        "trust",
    ),
    Broken(
        "the trust policy is still EC2's",
        lambda w: w.trust({"Service": "ec2.amazonaws.com"}),
        "trust",
        "let the user assume",
        "trust",
    ),
    Broken(
        "the user was made again",
        lambda w: w.trust({"AWS": "AIDAQ3EGRD2ABCDEFGHIJ"}),
        "trust",
        "let the user assume",
        "trust",
    ),
    Broken(
        "the trust policy asks for an external id",
        lambda w: w.trust_user(**_external("org-4711")),
        "trust",
        "external id",
        "trust",
    ),
    Broken("the external id is another", _wrong_external_id, "trust", "external id", "trust"),
    Broken(
        "the trust policy asks for MFA",
        lambda w: w.trust_user(**WITH_MFA),
        "trust",
        "MFA",
        "trust",
    ),
    Broken(
        "the trust policy holds elsewhere only",
        lambda w: w.trust_user(**ANYWHERE_ELSE),
        "trust",
        "address",
        "trust",
    ),
    Broken(
        "the trust policy is over", lambda w: w.trust_user(**LAST_YEAR), "trust", "date", "trust"
    ),
    Broken(
        "the trust policy allows another action",
        lambda w: w.trust_user(action="sts:TagSession"),
        "trust",
        "let the user assume",
        "trust",
    ),
    Broken("the role was deleted", _delete_role, "trust", "role is missing", "trust"),
    Broken("the role is written otherwise", _role_in_capitals, "trust", "capital letters", "trust"),
    Broken("the role is another account's", _role_of_another_account, "trust", "111111111111"),
    Broken(
        "the external id is not demanded",
        _external_id_not_demanded,
        "external-id",
        "without the external id",
        "trust",
    ),
    Broken(
        "the role lends itself for less",
        lambda w: w.fault(
            "sts",
            "AssumeRole",
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            status=400,
            skip=1,
        ),
        "session-length",
        "more than the role allows",
        injected=True,
    ),
    Broken(
        "the key is itself a role's session",
        lambda w: w.fault(
            "sts",
            "AssumeRole",
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining",
            status=400,
        ),
        "session-length",
        "chain lasts an hour",
        injected=True,
    ),
    Broken(
        "sessions may not be tagged",
        lambda w: w.fault("sts", "AssumeRole", "AccessDenied", _no_trust("sts:TagSession")),
        "trust",
        "tagging a session",
        injected=True,
    ),
    Broken(
        "sessions may not name their source",
        lambda w: w.fault("sts", "AssumeRole", "AccessDenied", _no_trust("sts:SetSourceIdentity")),
        "trust",
        "source identity",
        injected=True,
    ),
    Broken(
        "the session policy is not taken",
        lambda w: w.fault(
            "sts", "AssumeRole", "MalformedPolicyDocument", "Bad", status=400, skip=2
        ),
        "session",
        "not valid",
        injected=True,
    ),
    Broken(
        "the session policy does not fit",
        lambda w: w.fault(
            "sts", "AssumeRole", "PackedPolicyTooLarge", "Packed size 104%", status=400, skip=2
        ),
        "session",
        "too large",
        injected=True,
    ),
)

BUCKET: Final = (
    Broken(
        "the region is another",
        lambda w: w.drive(region="us-west-2"),
        "region",
        "is in eu-central-1",
    ),
    Broken("the bucket was deleted", _delete_bucket, "bucket", "no such bucket"),
    Broken(
        "the bucket is mistyped",
        lambda w: w.drive(bucket=w.setup.bucket + "-typo"),
        "bucket",
        "no such bucket",
    ),
    Broken(
        "S3 names another region",
        lambda w: w.fault(
            "s3",
            "GET bucket",
            "AuthorizationHeaderMalformed",
            "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
            status=400,
        ),
        "list",
        "another region",
        injected=True,
    ),
    Broken("public access is open", _public, "public-access", "not blocked", advisory=True),
    Broken(
        "public access is half open",
        _public_in_part,
        "public-access",
        "not blocked",
        advisory=True,
    ),
    Broken("the role has no policy", World.detach, "list", "does not allow listing", "identity"),
    Broken(
        "the policy has the objects only",
        lambda w: w.role_policy(allow([*READ_WRITE, "s3:ListBucket"], w.objects)),
        "list",
        "objects only",
        "identity",
    ),
    Broken(
        "the policy lists another folder",
        lambda w: w.role_policy(
            allow(
                "s3:ListBucket",
                w.bucket_arn,
                Condition={"StringLike": {"s3:prefix": ["test/", "test/*"]}},
            ),
            allow(READ_WRITE, w.objects),
        ),
        "list",
        "condition on the prefix",
        "identity",
    ),
    Broken(
        "the policy is for another bucket",
        lambda w: w.role_policy(allow("s3:*", ["arn:aws:s3:::another", "arn:aws:s3:::another/*"])),
        "list",
        "does not allow listing",
        "identity",
    ),
    Broken(
        "the policy has the bucket only",
        lambda w: w.role_policy(allow(["s3:ListBucket", *READ_WRITE], w.bucket_arn)),
        "write",
        "does not allow it",
        "identity",
    ),
    Broken(
        "the policy opens another folder",
        lambda w: w.role_policy(
            allow("s3:ListBucket", w.bucket_arn), allow(READ_WRITE, f"{w.bucket_arn}/test/*")
        ),
        "write",
        "does not allow it",
        "identity",
    ),
    Broken(
        "writing is not allowed", _without("s3:PutObject"), "write", "does not allow it", "identity"
    ),
    Broken(
        "reading is not allowed", _without("s3:GetObject"), "read", "does not allow it", "identity"
    ),
    Broken(
        "deleting is not allowed",
        _without("s3:DeleteObject"),
        "delete",
        "does not allow it",
        "identity",
    ),
    Broken(
        "the role's boundary leaves S3 out",
        lambda w: w.bound_role(allow("sts:*", "*")),
        "list",
        "does not allow listing",
        "permissionsBoundary",
    ),
    Broken(
        "the role's boundary lets nothing be written",
        lambda w: w.bound_role(allow(["s3:ListBucket", "s3:GetObject"], "*")),
        "write",
        "does not allow it",
        "permissionsBoundary",
    ),
    Broken("every session was revoked", _revoked, "list", "denies it expressly", "identity"),
    Broken(
        "the role is denied the folder",
        lambda w: w.add_to_role(deny("s3:GetObject", w.objects)),
        "read",
        "denies it expressly",
        "identity",
    ),
)

BUCKET_POLICIES: Final = (
    Broken(
        "the bucket policy denies everything",
        lambda w: w.bucket_policy(deny("s3:*", [w.bucket_arn, f"{w.bucket_arn}/*"])),
        "list",
        "bucket's own policy",
        "bucketPolicy",
    ),
    Broken(
        "the bucket policy denies writing",
        lambda w: w.bucket_policy(deny("s3:PutObject", f"{w.bucket_arn}/*")),
        "write",
        "bucket's own policy",
        "bucketPolicy",
    ),
    Broken(
        "the bucket policy denies deleting",
        lambda w: w.bucket_policy(deny("s3:DeleteObject", f"{w.bucket_arn}/*")),
        "delete",
        "bucket's own policy",
        "bucketPolicy",
    ),
    Broken(
        "the bucket policy wants TLS",
        lambda w: w.bucket_policy(
            deny(
                "s3:*",
                [w.bucket_arn, f"{w.bucket_arn}/*"],
                Condition={"Bool": {"aws:SecureTransport": "false"}},
            )
        ),
        "list",
        "bucket's own policy",
    ),
    Broken(
        "the bucket policy lets one address in",
        lambda w: w.bucket_policy(
            deny(
                "s3:GetObject",
                f"{w.bucket_arn}/*",
                Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
            )
        ),
        "read",
        "bucket's own policy",
    ),
    Broken(
        "the VPC endpoint denies",
        lambda w: w.fault(
            "s3",
            "GET bucket",
            "AccessDenied",
            "no VPC endpoint policy allows the s3:ListBucket action",
        ),
        "list",
        "VPC endpoint",
        injected=True,
    ),
    Broken(
        "KMS refuses to encrypt",
        _kms("PUT object", "kms:GenerateDataKey"),
        "kms",
        "KMS key",
        injected=True,
    ),
    Broken(
        "KMS refuses to decrypt", _kms("GET object", "kms:Decrypt"), "kms", "KMS key", injected=True
    ),
    Broken(
        "S3 asks for patience",
        lambda w: w.fault("s3", "GET bucket", "SlowDown", "Reduce your request rate", status=503),
        "list",
        "patience",
        injected=True,
        unknown=True,
    ),
    Broken(
        "the session ends too soon",
        lambda w: w.fault(
            "s3", "GET bucket", "ExpiredToken", "The provided token has expired.", status=400
        ),
        "list",
        "session is over",
        injected=True,
    ),
    Broken(
        "the role opens the whole bucket",
        lambda w: w.add_to_role(
            allow(["s3:ListBucket", *READ_WRITE], [w.bucket_arn, f"{w.bucket_arn}/*"])
        ),
        "role-width",
        "list and read and write and delete outside train/",
        advisory=True,
    ),
    Broken(
        "the role reads beside the folder",
        lambda w: w.add_to_role(allow("s3:GetObject", f"{w.bucket_arn}/*")),
        "role-width",
        "outside train/",
        advisory=True,
    ),
    Broken("the bucket has no CORS rule", _no_cors, "cors", "no CORS rule", advisory=True),
    Broken(
        "the CORS rule is for another site",
        lambda w: w.cors(AllowedOrigins=["https://other.example"]),
        "cors",
        ORIGIN,
        advisory=True,
    ),
    Broken(
        "the CORS rule lets nothing be written",
        lambda w: w.cors(AllowedMethods=["GET"]),
        "cors",
        "PUT",
        advisory=True,
    ),
)

ALL: Final = (*KEYS, *IDENTITY, *TRUST, *BUCKET, *BUCKET_POLICIES)
