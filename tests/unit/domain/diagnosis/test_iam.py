"""Policies read as IAM reads them; what can't be known is called unknown."""

from __future__ import annotations

from typing import Any

import pytest

from valetkey.domain.diagnosis.iam import LayerDecision, Request, Truth, parse_policy, rule, why_not
from valetkey.domain.diagnosis.iam.conditions import condition_holds
from valetkey.domain.diagnosis.iam.globs import matches
from valetkey.domain.diagnosis.iam.truth import all_of, any_of

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN

PATTERNS = [
    ("s3:GetObject", "s3:GetObject", YES),
    ("s3:Get*", "s3:GetObject", YES),
    ("s3:Get?bject", "s3:GetObject", YES),
    ("*", "anything at all", YES),
    ("a.c", "abc", NO),
    ("a[b]", "ab", NO),
    ("${*}", "*", YES),
    ("${*}", "x", NO),
    ("${?}${$}", "?$", YES),
    ("home/${aws:username}/*", "home/ada/x", YES),
    ("home/${aws:username}/*", "home/bob/x", NO),
    ("home/${aws:UserName}/*", "home/ada/x", YES),
    ("home/${aws:PrincipalTag/team}/*", "home/x/x", UNKNOWN),
    ("home/${aws:absent}/*", "home/x/x", NO),
    ("home/${aws:absent, 'all'}/*", "home/all/x", YES),
    ("a*", "a\nb", YES),
]
KNOWN: dict[str, list[str]] = {"aws:username": ["ada"], "aws:absent": []}


@pytest.mark.parametrize(("pattern", "text", "expected"), PATTERNS)
def test_patterns(pattern: str, text: str, expected: Truth) -> None:
    assert matches(pattern, text, KNOWN) is expected


def test_a_literal_pattern_has_no_wildcards_but_variables() -> None:
    assert matches("*", "x", {}, literal=True) is NO
    assert matches("*", "*", {}, literal=True) is YES
    assert matches("${aws:username}", "ada", KNOWN, literal=True) is YES


LOGIC = [
    ([YES, YES], YES, YES),
    ([YES, NO], NO, YES),
    ([NO, NO], NO, NO),
    ([YES, UNKNOWN], UNKNOWN, YES),
    ([NO, UNKNOWN], NO, UNKNOWN),
    ([UNKNOWN], UNKNOWN, UNKNOWN),
    ([], YES, NO),
]


@pytest.mark.parametrize(("parts", "all_expected", "any_expected"), LOGIC)
def test_three_valued_logic(parts: list[Truth], all_expected: Truth, any_expected: Truth) -> None:
    assert all_of(parts) is all_expected
    assert any_of(parts) is any_expected


def test_a_truth_is_not_used_as_a_boolean() -> None:
    with pytest.raises(TypeError):
        bool(Truth.NO)


CONTEXT: dict[str, list[str]] = {
    "s3:prefix": ["train/"],
    "aws:currenttime": ["2026-06-01T12:00:00+00:00"],
    "aws:epochtime": ["1780315200"],
    "aws:securetransport": ["true"],
    "aws:sourceip": ["192.0.2.7"],
    "aws:tagkeys": ["team", "site"],
    "aws:multifactorauthpresent": [],
    "aws:principalarn": ["arn:aws:iam::111122223333:user/ada"],
    "s3:max-keys": ["10"],
}
CONDITIONS: list[tuple[str, str, Any, Truth]] = [
    ("StringEquals", "s3:prefix", "train/", YES),
    ("StringEquals", "S3:Prefix", "train/", YES),
    ("StringEquals", "s3:prefix", ["test/", "train/"], YES),
    ("StringEquals", "s3:prefix", "train/*", NO),
    ("StringNotEquals", "s3:prefix", ["test/", "train/"], NO),
    ("StringNotEquals", "s3:prefix", "test/", YES),
    ("StringEqualsIgnoreCase", "s3:prefix", "TRAIN/", YES),
    ("StringNotEqualsIgnoreCase", "s3:prefix", "TRAIN/", NO),
    ("StringLike", "s3:prefix", ["test/*", "train/*"], YES),
    ("StringLike", "s3:prefix", "Train/*", NO),
    ("StringNotLike", "s3:prefix", "tr*", NO),
    ("DateLessThan", "aws:CurrentTime", "2027-01-01T00:00:00Z", YES),
    ("DateGreaterThan", "aws:CurrentTime", "2027-01-01T00:00:00Z", NO),
    ("DateGreaterThanEquals", "aws:EpochTime", "1780315200", YES),
    ("DateLessThan", "aws:CurrentTime", "tomorrow", UNKNOWN),
    ("NumericLessThanEquals", "s3:max-keys", "10", YES),
    ("NumericGreaterThan", "s3:max-keys", "10", NO),
    ("NumericNotEquals", "s3:max-keys", "11", YES),
    ("Bool", "aws:SecureTransport", "true", YES),
    ("Bool", "aws:SecureTransport", "false", NO),
    ("Bool", "aws:SecureTransport", False, NO),
    ("Bool", "aws:MultiFactorAuthPresent", "true", NO),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "false", YES),
    ("IpAddress", "aws:SourceIp", "192.0.2.0/24", YES),
    ("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "198.51.100.7"], NO),
    ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", YES),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/ada", YES),
    ("ArnNotEquals", "aws:PrincipalArn", "arn:aws:iam::111122223333:user/ada", NO),
    ("Null", "aws:MultiFactorAuthPresent", "true", YES),
    ("Null", "aws:SourceIp", "true", NO),
    ("Null", "aws:SourceVpce", "true", UNKNOWN),
    ("StringNotEquals", "aws:MultiFactorAuthPresent", "x", YES),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "site", "x"], YES),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["team"], NO),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["team"], YES),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["x"], NO),
    ("ForAllValues:StringEquals", "aws:MultiFactorAuthPresent", "x", YES),
    ("ForAnyValue:StringEquals", "aws:MultiFactorAuthPresent", "x", NO),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["team"], YES),
    ("StringEquals", "aws:SourceVpce", "vpce-1", UNKNOWN),
    ("StringNotEquals", "aws:PrincipalOrgID", "o-1", UNKNOWN),
    ("SomethingNew", "s3:prefix", "train/", UNKNOWN),
]


@pytest.mark.parametrize(("operator", "key", "wanted", "expected"), CONDITIONS)
def test_conditions(operator: str, key: str, wanted: Any, expected: Truth) -> None:
    assert condition_holds(operator, key, wanted, CONTEXT) is expected


ADA = "arn:aws:iam::111122223333:user/ada"
ROLE = "arn:aws:iam::111122223333:role/data"
GET = Request("s3:GetObject", "arn:aws:s3:::acme/train/a", (ROLE,), {"aws:sourceip": ["192.0.2.7"]})
ALLOW_GET = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*"}
DENY_GET = ALLOW_GET | {"Effect": "Deny"}
ELSEWHERE = {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
SOMEWHERE = {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}

RULINGS: list[tuple[str, list[dict[str, Any]], LayerDecision]] = [
    ("nothing", [], LayerDecision.SILENT),
    ("an allow", [ALLOW_GET], LayerDecision.ALLOWED),
    (
        "an action in other capitals",
        [ALLOW_GET | {"Action": "S3:getobject"}],
        LayerDecision.ALLOWED,
    ),
    ("a resource in other capitals", [ALLOW_GET | {"Resource": "*ACME/*"}], LayerDecision.SILENT),
    ("a deny beside it", [ALLOW_GET, DENY_GET], LayerDecision.DENIED),
    ("a deny before it", [DENY_GET, ALLOW_GET], LayerDecision.DENIED),
    ("a deny that does not fit", [ALLOW_GET, DENY_GET | ELSEWHERE], LayerDecision.ALLOWED),
    ("a deny that may fit", [ALLOW_GET, DENY_GET | SOMEWHERE], LayerDecision.UNKNOWN),
    ("an allow that may fit", [ALLOW_GET | SOMEWHERE], LayerDecision.UNKNOWN),
    ("an allow that does not fit", [ALLOW_GET | ELSEWHERE], LayerDecision.SILENT),
    (
        "NotAction",
        [{"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*"}],
        LayerDecision.ALLOWED,
    ),
    (
        "NotAction of it",
        [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}],
        LayerDecision.SILENT,
    ),
    (
        "NotResource",
        [{"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::other/*"}],
        LayerDecision.DENIED,
    ),
]


@pytest.mark.parametrize(
    ("statements", "expected"), [row[1:] for row in RULINGS], ids=[row[0] for row in RULINGS]
)
def test_rulings(statements: list[dict[str, Any]], expected: LayerDecision) -> None:
    assert rule([parse_policy("p", {"Statement": statements})], GET).decision is expected


PRINCIPALS: list[tuple[Any, LayerDecision]] = [
    ({"AWS": ADA}, LayerDecision.ALLOWED),
    ({"AWS": [ROLE, ADA]}, LayerDecision.ALLOWED),
    ({"AWS": "arn:aws:iam::111122223333:root"}, LayerDecision.ALLOWED),
    ({"AWS": "111122223333"}, LayerDecision.ALLOWED),
    ("*", LayerDecision.ALLOWED),
    ({"AWS": "*"}, LayerDecision.ALLOWED),
    ({"AWS": "arn:aws:iam::111122223333:user/bob"}, LayerDecision.SILENT),
    ({"AWS": "arn:aws:iam::111122223333:user/*"}, LayerDecision.SILENT),
    ({"AWS": "444455556666"}, LayerDecision.SILENT),
    ({"Service": "ec2.amazonaws.com"}, LayerDecision.SILENT),
    ({"AWS": "AIDAQ3EGRD2ABCDEFGHIJ"}, LayerDecision.SILENT),
]


@pytest.mark.parametrize(("principal", "expected"), PRINCIPALS)
def test_whom_a_trust_policy_names(principal: Any, expected: LayerDecision) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    policy = parse_policy("trust policy", {"Statement": statement})
    request = Request("sts:AssumeRole", ROLE, (ADA,))
    assert rule([policy], request).decision is expected


REASONS = [
    (ALLOW_GET | {"Resource": "arn:aws:s3:::acme/test/*"}, "is about arn:aws:s3:::acme/test/*"),
    (ALLOW_GET | ELSEWHERE, "holds only where IpAddress aws:SourceIp"),
    (ALLOW_GET | SOMEWHERE, "depends on aws:SourceVpce"),
    (ALLOW_GET | {"Principal": {"AWS": ADA}}, f"trusts {ADA}"),
    (ALLOW_GET | {"Principal": {"AWS": "AIDAQ3EGRD2ABCDEFGHIJ"}}, "was deleted since"),
]


@pytest.mark.parametrize(("statement", "says"), REASONS)
def test_why_the_nearest_statement_does_not_fit(statement: dict[str, Any], says: str) -> None:
    policy = parse_policy("inline policy x", {"Statement": [statement | {"Sid": "Mine"}]})
    reason = why_not([policy], GET)
    assert reason.startswith("Statement 1 (Mine) of the inline policy x")
    assert says in reason


def test_nothing_comes_near_where_no_statement_speaks_of_the_action() -> None:
    policy = parse_policy("p", {"Statement": [ALLOW_GET | {"Action": "s3:PutObject"}]})
    assert why_not([policy], GET) == ""
