"""The key-encryption key in KMS, on the embedded AWS."""

from __future__ import annotations

from typing import Any

import pytest

from support.aws import client
from valetkey.crypto.kms import KmsKeyWrapper
from valetkey.crypto.sealing import EnvelopeSealer
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import ConfigurationError, SealBroken, StorageUnavailable
from valetkey.domain.sealing import SealContext
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws
from valetkey.testing import SeededEntropy

CONTEXT = SealContext("org", "record", "secret")


class Kms:
    """A KMS key, and Valetkey's wrapper of it."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.admin: Any = client(aws, "kms")
        self.arn = self.admin.create_key()["KeyMetadata"]["Arn"]

    def wrapper(self, identity: AccessKey | None = None) -> KmsKeyWrapper:
        return KmsKeyWrapper(
            self.arn, identity=identity or self.aws.administrator, endpoint=self.aws.endpoint
        )


@pytest.fixture
def kms(embedded_aws: EmbeddedAws) -> Kms:
    return Kms(embedded_aws)


async def test_what_was_sealed_opens_again_in_another_process(kms: Kms) -> None:
    sealed = await EnvelopeSealer([kms.wrapper()], SeededEntropy(1)).seal(Secret("s"), CONTEXT)
    assert sealed.kek_id == f"awskms:{kms.arn}"
    later = EnvelopeSealer([kms.wrapper()], SeededEntropy(2))
    assert (await later.open(sealed, CONTEXT)).reveal() == "s"


async def test_a_data_key_is_bound_to_its_record_by_the_encryption_context(kms: Kms) -> None:
    wrapped = await kms.wrapper().wrap(b"k" * 32, b"one record")
    with pytest.raises(SealBroken, match="moved or changed"):
        await kms.wrapper().unwrap(wrapped, b"another")


async def test_a_disabled_key_is_said_to_be_disabled(kms: Kms) -> None:
    wrapped = await kms.wrapper().wrap(b"k" * 32, b"r")
    kms.admin.disable_key(KeyId=kms.arn)
    with pytest.raises(SealBroken, match="disabled"):
        await kms.wrapper().unwrap(wrapped, b"r")


async def test_a_key_that_is_not_there_is_said_to_be_missing(kms: Kms) -> None:
    kms.arn = kms.arn[:-4] + "0000"
    with pytest.raises(SealBroken, match="does not exist"):
        await kms.wrapper().wrap(b"k" * 32, b"r")


async def test_an_identity_that_may_not_use_the_key_is_said_so(kms: Kms) -> None:
    iam = client(kms.aws, "iam")
    iam.create_user(UserName="server")
    made = iam.create_access_key(UserName="server")["AccessKey"]
    identity = AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))
    with pytest.raises(SealBroken, match="may not use it"):
        await kms.wrapper(identity).wrap(b"k" * 32, b"r")


async def test_a_kms_that_cannot_be_reached_is_said_so(kms: Kms) -> None:
    nowhere = KmsKeyWrapper(kms.arn, identity=kms.aws.administrator, endpoint="http://127.0.0.1:1")
    with pytest.raises(StorageUnavailable, match="can't be reached"):
        await nowhere.wrap(b"k" * 32, b"r")


@pytest.mark.parametrize("arn", ["", "alias/mine", "arn:aws:s3:::bucket"])
def test_what_is_not_a_kms_keys_arn_is_refused(arn: str) -> None:
    with pytest.raises(ConfigurationError, match="KMS key"):
        KmsKeyWrapper(arn)
