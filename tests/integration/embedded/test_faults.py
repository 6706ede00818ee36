"""Faults that a test orders, what AWS refuses and MiniStack does not, and the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError

from support.aws import GoodSetup, client
from support.raw_http import ask
from valetkey.embedded import EmbeddedAws, Fault, FaultKind


def code(call: Callable[[], Any]) -> str:
    """Return the code of AWS's refusal."""
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_an_error_strikes_the_nth_matching_call_and_no_other(embedded_aws: EmbeddedAws) -> None:
    iam = client(embedded_aws, "iam")
    fault = embedded_aws.faults.order(
        Fault(FaultKind.ERROR, "iam", "ListUsers", skip=1, times=2, code="Throttling", status=400)
    )
    iam.list_roles()
    iam.list_users()
    assert [code(iam.list_users), code(iam.list_users)] == ["Throttling", "Throttling"]
    iam.list_users()
    assert fault.struck == 2


def test_two_orders_for_the_same_call_strike_one_after_the_other(
    embedded_aws: EmbeddedAws,
) -> None:
    iam = client(embedded_aws, "iam")
    for name in ("Throttling", "ServiceFailure"):
        embedded_aws.faults.order(Fault(FaultKind.ERROR, "iam", code=name))
    assert [code(iam.list_users), code(iam.list_users)] == ["Throttling", "ServiceFailure"]


def test_a_call_hangs_until_it_is_released(embedded_aws: EmbeddedAws) -> None:
    iam = client(embedded_aws, "iam")
    fault = embedded_aws.faults.order(Fault(FaultKind.HANG, "iam", "ListUsers"))
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(iam.list_users)
        while not fault.struck:
            threading.Event().wait(0.001)
        assert client(embedded_aws, "iam").list_roles()  # others are served meanwhile
        assert not hanging.done()
        fault.release()
        with pytest.raises((BotoConnectionError, HTTPClientError)):
            hanging.result(timeout=90)


def test_many_calls_may_hang_at_once(embedded_aws: EmbeddedAws) -> None:
    fault = embedded_aws.faults.order(Fault(FaultKind.HANG, "iam", "ListUsers", times=40))
    with ThreadPoolExecutor(40) as pool:
        iam = client(embedded_aws, "iam")
        hanging = [pool.submit(iam.list_users) for _ in range(10)]
        while fault.struck < 10:
            threading.Event().wait(0.001)
        assert client(embedded_aws, "sts").get_caller_identity()
        embedded_aws.faults.clear()
        assert all(isinstance(call.exception(90), Exception) for call in hanging)


def test_garbage_is_not_xml(embedded_aws: EmbeddedAws) -> None:
    embedded_aws.faults.order(Fault(FaultKind.GARBAGE, "iam"))
    with pytest.raises(ResponseParserError):
        client(embedded_aws, "iam").list_users()


def test_a_cut_connection_has_no_effect(embedded_aws: EmbeddedAws) -> None:
    iam = client(embedded_aws, "iam")
    embedded_aws.faults.order(Fault(FaultKind.CUT, "iam", "CreateUser"))
    with pytest.raises((BotoConnectionError, HTTPClientError)):
        iam.create_user(UserName="ada")
    assert code(lambda: iam.get_user(UserName="ada")) == "NoSuchEntity"


def test_a_lost_answer_has_its_effect(embedded_aws: EmbeddedAws) -> None:
    iam = client(embedded_aws, "iam")
    embedded_aws.faults.order(Fault(FaultKind.LOST_RESPONSE, "iam", "CreateUser"))
    with pytest.raises((BotoConnectionError, HTTPClientError)):
        iam.create_user(UserName="ada")
    assert iam.get_user(UserName="ada")["User"]["UserName"] == "ada"


def test_calls_are_recorded_with_who_made_them(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup
) -> None:
    embedded_aws.calls.clear()
    sts = client(embedded_aws, "sts", good_setup.key)
    for _ in range(2):
        sts.assume_role(RoleArn=good_setup.role_arn, RoleSessionName="ada")
    client(embedded_aws, "s3").list_objects_v2(Bucket=good_setup.bucket)
    seen = [(call.service, call.action, call.key_id) for call in embedded_aws.calls]
    theirs, admins = good_setup.key.id, embedded_aws.administrator.id
    assert seen == [("sts", "AssumeRole", theirs)] * 2 + [("s3", "GET bucket", admins)]
    assert embedded_aws.count("AssumeRole") == 2


def test_a_reset_forgets_objects_faults_and_calls(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup
) -> None:
    embedded_aws.faults.order(Fault(FaultKind.ERROR, times=99))
    embedded_aws.clock_offset = timedelta(hours=1)
    embedded_aws.reset()
    assert embedded_aws.calls == []
    assert client(embedded_aws, "s3").list_buckets()["Buckets"] == []
    users = client(embedded_aws, "iam").list_users()["Users"]
    assert [user["UserName"] for user in users] == ["administrator"]
    assert good_setup.user not in str(users)


DURATIONS = [
    (899, "ValidationError", "greater than or equal to 900"),
    (3601, "ValidationError", "MaxSessionDuration"),
    (43_201, "ValidationError", "MaxSessionDuration"),
]


@pytest.mark.parametrize(("seconds", "refused", "words"), DURATIONS)
def test_a_session_length_that_aws_refuses_is_refused(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, seconds: int, refused: str, words: str
) -> None:
    sts = client(embedded_aws, "sts", good_setup.key, validate=False)
    with pytest.raises(ClientError, match=words) as caught:
        sts.assume_role(RoleArn=good_setup.role_arn, RoleSessionName="ada", DurationSeconds=seconds)
    assert caught.value.response["Error"]["Code"] == refused


def test_a_role_may_allow_longer_sessions(embedded_aws: EmbeddedAws, good_setup: GoodSetup) -> None:
    client(embedded_aws, "iam").update_role(RoleName=good_setup.role, MaxSessionDuration=7200)
    client(embedded_aws, "sts", good_setup.key).assume_role(
        RoleArn=good_setup.role_arn, RoleSessionName="ada", DurationSeconds=7200
    )


@pytest.mark.parametrize("name", ["a b", "ada/lovelace", "ädä", "x" * 65])
def test_a_session_name_that_aws_refuses_is_refused(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, name: str
) -> None:
    sts = client(embedded_aws, "sts", good_setup.key, validate=False)
    call = code(lambda: sts.assume_role(RoleArn=good_setup.role_arn, RoleSessionName=name))
    assert call == "ValidationError"


def test_a_third_access_key_is_refused_also_when_one_is_inactive(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup
) -> None:
    iam = client(embedded_aws, "iam")
    second = iam.create_access_key(UserName=good_setup.user)["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName=good_setup.user, AccessKeyId=second, Status="Inactive")
    assert code(lambda: iam.create_access_key(UserName=good_setup.user)) == "LimitExceeded"


SKEWS = [
    ("sts", "get_caller_identity", timedelta(minutes=6), "SignatureDoesNotMatch", "expired"),
    ("sts", "get_caller_identity", timedelta(minutes=-6), "SignatureDoesNotMatch", "not yet"),
    ("s3", "list_buckets", timedelta(minutes=16), "RequestTimeTooSkewed", "too large"),
    ("s3", "list_buckets", timedelta(minutes=-16), "RequestTimeTooSkewed", "too large"),
]


@pytest.mark.parametrize(("service", "call", "offset", "refused", "words"), SKEWS)
def test_a_clock_that_differs_is_refused_in_awss_words(
    embedded_aws: EmbeddedAws,
    service: str,
    call: str,
    offset: timedelta,
    refused: str,
    words: str,
) -> None:
    embedded_aws.clock_offset = offset
    with pytest.raises(ClientError, match=words) as caught:
        getattr(client(embedded_aws, service), call)()
    assert caught.value.response["Error"]["Code"] == refused


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_clock_that_differs_by_minutes_is_forgiven(
    embedded_aws: EmbeddedAws, minutes: int
) -> None:
    embedded_aws.clock_offset = timedelta(minutes=minutes)
    assert client(embedded_aws, "sts").get_caller_identity()


def test_answers_carry_the_time_of_the_offset_clock(embedded_aws: EmbeddedAws) -> None:
    before = parsedate_to_datetime(ask(embedded_aws.endpoint, "GET", "/").headers["date"])
    embedded_aws.clock_offset = timedelta(days=1)
    after = parsedate_to_datetime(ask(embedded_aws.endpoint, "GET", "/").headers["date"])
    assert timedelta(days=1) <= after - before < timedelta(days=1, minutes=1)
