"""What each of AWS's errors is translated to, row by row of the table in the design."""

from __future__ import annotations

import traceback

import pytest
from botocore.exceptions import ClientError

from valetkey.aws.error_catalog import KNOWN_ERRORS, THROTTLES, known_error
from valetkey.aws.errors import cleaned, from_aws, from_client_error, unreachable
from valetkey.domain.errors import AwsRefused, AwsUnavailable

ASSUME = "sts:AssumeRole"
LIST = "s3:ListObjectsV2"
USER = "User: arn:aws:iam::111122223333:user/ada is not authorized to perform: "
ROLE = " on resource: arn:aws:iam::111122223333:role/data"

#: code, AWS's words, operation, a part of the cause, a part of the fix
ROWS = [
    (
        "AccessDenied",
        "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: s3:RestoreObject on "
        "resource: x because no identity-based policy allows the s3:RestoreObject action",
        "RestoreObject",
        "may not restore archived objects",
        "s3:RestoreObject",
    ),
    (
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
        ASSUME,
        "deleted, is inactive, is mistyped, belongs to another partition, or is only seconds old",
        "List the user's access keys",
    ),
    (
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
        LIST,
        "does not know the access key",
        "List the user's access keys",
    ),
    (
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
        ASSUME,
        "secret access key is wrong",
        "without white space",
    ),
    (
        "SignatureDoesNotMatch",
        "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z",
        ASSUME,
        "clocks differ",
        "NTP",
    ),
    (
        "SignatureDoesNotMatch",
        "Signature not yet current: 20260101T001000Z is still later than 20260101T000000Z",
        ASSUME,
        "clocks differ",
        "NTP",
    ),
    (
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        LIST,
        "clocks differ",
        "NTP",
    ),
    (
        "SignatureDoesNotMatch",
        "Credential should be scoped to a valid region.",
        ASSUME,
        "another region than the endpoint",
        "endpoint of the region",
    ),
    (
        "AccessDenied",
        USER
        + "sts:AssumeRole"
        + ROLE
        + " because no identity-based policy allows the sts:AssumeRole action",
        ASSUME,
        "inline policy is missing, or names another role",
        "inline policy that allows sts:AssumeRole",
    ),
    (
        "AccessDenied",
        USER + "sts:AssumeRole" + ROLE + " with an explicit deny in an identity-based policy",
        ASSUME,
        "forbids it expressly to assume the role",
        "Deny of sts:AssumeRole",
    ),
    (
        "AccessDenied",
        USER + "sts:AssumeRole" + ROLE + " because no role trust policy allows the action",
        ASSUME,
        "does not trust the user",
        "Save the role's trust policy again",
    ),
    (
        "AccessDenied",
        USER
        + "sts:AssumeRole"
        + ROLE
        + " because no resource-based policy allows the sts:AssumeRole action",
        ASSUME,
        "does not trust the user",
        "Save the role's trust policy again",
    ),
    (
        "AccessDenied",
        USER + "sts:AssumeRole" + ROLE,
        ASSUME,
        "the role is missing or its name has other capital letters",
        "letter by letter",
    ),
    (
        "AccessDenied",
        USER
        + "sts:TagSession"
        + ROLE
        + " because no role trust policy allows the sts:TagSession action",
        ASSUME,
        "tagging",
        "sts:TagSession",
    ),
    (
        "AccessDenied",
        USER + "sts:SetSourceIdentity" + ROLE,
        ASSUME,
        "source identity",
        "sts:SetSourceIdentity",
    ),
    *(
        ("AccessDenied", f"{USER}s3:GetObject {words}", "s3:GetObject", cause, fix)
        for words, cause, fix in [
            (
                "with an explicit deny in a service control policy",
                "service control policy",
                "administrator of the AWS organisation",
            ),
            (
                "with an explicit deny in a resource control policy",
                "resource control policy",
                "administrator of the AWS organisation",
            ),
            (
                "because no permissions boundary allows the s3:GetObject action",
                "permissions boundary",
                "Widen",
            ),
            (
                "because no VPC endpoint policy allows the s3:GetObject action",
                "VPC endpoint",
                "VPC endpoint's policy",
            ),
            (
                "because no session policy allows the s3:GetObject action",
                "session policy",
                "Ask for a credential that covers",
            ),
            (
                "with an explicit deny in a resource-based policy",
                "bucket's own policy",
                "bucket policy",
            ),
            (
                "with an explicit deny in an identity-based policy",
                "revoked session",
                "new credential",
            ),
        ]
    ),
    (
        "AccessDenied",
        USER + "sts:AssumeRole" + ROLE + " with an explicit deny in a service control policy",
        ASSUME,
        "service control policy",
        "administrator of the AWS organisation",
    ),
    (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ASSUME,
        "more than the role allows",
        "maximum session duration",
    ),
    (
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
        "role chaining",
        ASSUME,
        "a role's session",
        "3600",
    ),
    (
        "PackedPolicyTooLarge",
        "Packed policy consumes 120% of allotted space",
        ASSUME,
        "scope is too large",
        "fewer folders",
    ),
    (
        "MalformedPolicyDocument",
        'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/ada"',
        "iam:CreateRole",
        "names a principal that it does not see yet",
        "Try again",
    ),
    (
        "RegionDisabledException",
        "STS is not activated in this region for account:111122223333.",
        ASSUME,
        "switched off in this region",
        "another region",
    ),
    (
        "ExpiredToken",
        "The security token included in the request is expired",
        LIST,
        "session is over",
        "new credential",
    ),
    (
        "InvalidToken",
        "The provided token is malformed or otherwise invalid.",
        LIST,
        "session token",
        "new credential",
    ),
    (
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
        "iam:CreateAccessKey",
        "two access keys already",
        "Delete the one that is not used",
    ),
    (
        "EntityAlreadyExists",
        "User with name ada already exists.",
        "iam:CreateUser",
        "already",
        "Adopt",
    ),
    (
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
        "iam:DeleteRole",
        "still hang on it",
        "Detach",
    ),
    ("NoSuchEntity", "The role cannot be found.", "iam:GetRole", "no such user, role", "Check"),
    *(
        (code, words, doing, "in another region", "region that S3 names")
        for code, words, doing in [
            ("PermanentRedirect", "The bucket must be addressed using the endpoint.", LIST),
            ("AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong", LIST),
            ("301", "Moved Permanently", "s3:HeadBucket"),
            ("400", "Bad Request", "s3:HeadBucket"),
            ("400", "Bad Request", "s3:HeadObject"),
        ]
    ),
    ("NoSuchBucket", "The specified bucket does not exist", LIST, "no such bucket", "name"),
    ("404", "Not Found", "s3:HeadBucket", "no such bucket", "name"),
    ("404", "Not Found", "s3:HeadObject", "no such object", "name"),
    ("NoSuchKey", "The specified key does not exist.", "s3:GetObject", "no such object", "name"),
    (
        "AccessDenied",
        USER + "s3:ListBucket on resource: arn:aws:s3:::data because no identity-based policy "
        "allows the s3:ListBucket action",
        LIST,
        "the ARN of the objects only",
        "the bucket's own ARN",
    ),
    ("AccessDenied", "Access Denied", LIST, "the ARN of the objects only", "bucket's own ARN"),
    ("AccessDenied", "Access Denied", "s3:PutObject", "not allow it", "role's policy"),
    ("403", "Forbidden", "s3:HeadBucket", "not allow it", "role's policy"),
    (
        "AccessDenied",
        USER + "kms:Decrypt on the resource because no resource-based policy allows the "
        "kms:Decrypt action",
        "s3:GetObject",
        "KMS key",
        "kms:Decrypt",
    ),
    (
        "AccessDenied",
        "The bucket has Requester Pays enabled.",
        LIST,
        "(Requester Pays)",
        "the account of the key is charged",
    ),
    (
        "InvalidObjectState",
        "The operation is not valid for the object's storage class",
        "s3:GetObject",
        "is archived",
        "Restore it first",
    ),
    ("NoSuchUpload", "The upload does not exist.", "s3:UploadPart", "no such upload", "anew"),
    (
        "AccessForbidden",
        "CORSResponse: CORS is not enabled for this bucket.",
        "s3:PutObject",
        "browsers are refused",
        "CORS rule",
    ),
]


@pytest.mark.parametrize(("code", "words", "doing", "cause", "fix"), ROWS)
def test_an_error_names_its_cause_and_its_fix(
    code: str, words: str, doing: str, cause: str, fix: str
) -> None:
    failure = from_aws(code, words, doing, status=403)
    assert isinstance(failure, AwsRefused)
    assert cause in failure.message
    assert fix in failure.hint
    assert failure.details["aws_code"] == code
    assert failure.details["aws_message"] == words
    assert failure.details["operation"] == doing


def test_every_meaning_is_reached_by_some_row() -> None:
    reached = {id(known_error(code, words, doing)) for code, words, doing, _, _ in ROWS}
    unreached = [meaning for meaning in KNOWN_ERRORS if id(meaning) not in reached]
    assert unreached == []


@pytest.mark.parametrize("code", sorted(THROTTLES))
def test_a_throttle_is_worth_another_try(code: str) -> None:
    failure = from_aws(code, "Rate exceeded", ASSUME, status=400)
    assert isinstance(failure, AwsUnavailable)
    assert "too many calls" in failure.message


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_server_fault_is_worth_another_try(status: int) -> None:
    assert isinstance(from_aws("InternalFailure", "", ASSUME, status=status), AwsUnavailable)


def test_an_unknown_refusal_is_shown_in_awss_words() -> None:
    failure = from_aws("Novelty", "Something new.", ASSUME, status=400)
    assert isinstance(failure, AwsRefused)
    assert "Novelty" in failure.message
    assert failure.hint == "Something new."


def test_a_refusal_without_any_words_still_says_something() -> None:
    failure = from_aws("", "", ASSUME, status=418)
    assert "418" in failure.message
    assert failure.hint


def client_error(code: str, message: str, **headers: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": headers},  # type: ignore[typeddict-item]
        },
        "AssumeRole",
    )


def test_the_region_that_s3_names_is_kept() -> None:
    error = client_error("301", "", **{"x-amz-bucket-region": "eu-west-1"})
    assert from_client_error(error, "s3:HeadBucket").details["bucket_region"] == "eu-west-1"


def test_awss_own_time_is_kept_where_the_clock_is_the_cause() -> None:
    date = "Tue, 24 Nov 2026 15:00:00 GMT"
    skewed = client_error("SignatureDoesNotMatch", "Signature expired: x", date=date)
    other = client_error("AccessDenied", "no", date=date)
    assert from_client_error(skewed, ASSUME).details["aws_time"] == date
    assert "aws_time" not in from_client_error(other, ASSUME).details


TOKEN = "FwoGZXIvYXdzE" + "Ab3+/=" * 60
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ECHOES = [
    f"The signature does not match.\n\nThe Canonical String for this request should have been\n"
    f"'POST\n/\n\nhost:sts.amazonaws.com\nx-amz-security-token:{TOKEN}\n'",
    f"The String-to-Sign should have been 'AWS4-HMAC-SHA256 {TOKEN}'",
    f"Invalid header x-amz-security-token: {TOKEN}",
    f"https://b.s3.amazonaws.com/k?X-Amz-Security-Token={TOKEN}&X-Amz-Signature=abcdef0123",
    f"The provided token {TOKEN} is malformed",
    f'{{"SecretAccessKey": "{SECRET}", "SessionToken": "{TOKEN}"}}',
    f"the secret {SECRET} is strange",
]


@pytest.mark.parametrize("message", ECHOES)
def test_what_aws_repeats_of_a_request_is_not_kept(message: str) -> None:
    failure = from_client_error(
        client_error("SignatureDoesNotMatch", message), ASSUME, hide=[SECRET]
    )
    shown = f"{failure!r} {failure} {dict(failure.details)} " + "".join(
        traceback.format_exception(failure)
    )
    assert TOKEN[:30] not in shown
    assert SECRET not in shown
    assert "abcdef0123" not in shown


def test_cleaning_leaves_ordinary_words_alone() -> None:
    words = (
        "User: arn:aws:sts::111122223333:assumed-role/data/ada is not authorized to perform: "
        "s3:GetObject on resource: arn:aws:s3:::bucket/a/long/folder/name/file.txt"
    )
    assert cleaned(words) == words


def test_cleaning_bounds_the_length_and_the_letters() -> None:
    shown = cleaned("ab \x1b[31m\n" * 1000)
    assert len(shown) <= 1000
    assert shown.isprintable()


def test_silence_does_not_quote_what_was_received() -> None:
    failure = unreachable(OSError(SECRET), ASSUME)
    assert isinstance(failure, AwsUnavailable)
    assert SECRET not in f"{failure} {dict(failure.details)}"
    assert failure.hint


def test_what_aws_repeats_of_a_request_is_cut_off() -> None:
    words = "Does not match.\n\nThe Canonical String for this request should have been\n'POST\n/'"
    assert cleaned(words) == "Does not match."
