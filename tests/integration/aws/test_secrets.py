"""No secret in any error, traceback or log line, whatever goes wrong."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

import pytest

from support.aws import REGION, GoodSetup
from support.own_aws import OwnAws, order_for
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.ports import BucketPlace
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws, Fault, FaultKind


def forms_of(secret: Secret) -> Iterable[str]:
    plain = secret.reveal()
    yield plain
    yield quote(plain, safe="")
    yield base64.b64encode(plain.encode()).decode().rstrip("=")


def echo_of(key: AccessKey, token: str) -> str:
    return (
        f"The Canonical String for this request should have been 'x-amz-security-token:{token}' "
        f"and the key {key.secret.reveal()}"
    )


@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.GARBAGE, FaultKind.CUT])
async def test_no_error_shows_a_secret(
    own_aws: OwnAws,
    good_setup: GoodSetup,
    embedded_aws: EmbeddedAws,
    kind: FaultKind,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    given = await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))
    echo = echo_of(good_setup.key, given.session_token.reveal())
    strikes = Fault(kind, times=99, code="SignatureDoesNotMatch", message=echo, status=403)
    embedded_aws.faults.order(strikes)
    store = own_aws.open(given, BucketPlace(good_setup.bucket, REGION))
    wrong = replace(good_setup.key, secret=Secret("Wrong/" + "q" * 34))
    attempts = [
        own_aws.sts.assume_role(good_setup.key, order_for(good_setup)),
        own_aws.sts.caller_identity(wrong),
        own_aws.sts.caller_identity(given),
        store.list_some(""),
        store.put("a", b"x"),
    ]
    shown = ""
    for attempt in attempts:
        with pytest.raises(ValetkeyError) as caught:
            await attempt
        error = caught.value
        assert error.__cause__ is None
        assert error.__context__ is None
        shown += f"{error!r} {error} {dict(error.details)}"
        shown += "".join(traceback.format_exception(error))
    shown += caplog.text
    secrets = [good_setup.key.secret, wrong.secret, given.secret_access_key, given.session_token]
    for secret in secrets:
        for form in forms_of(secret):
            assert form not in shown


async def test_the_debug_log_of_a_call_that_works_shows_no_secret(
    own_aws: OwnAws, good_setup: GoodSetup, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))
    for secret in (good_setup.key.secret, given.secret_access_key, given.session_token):
        for form in forms_of(secret):
            assert form not in caplog.text
