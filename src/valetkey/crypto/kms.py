"""A key-encryption key in AWS KMS: it never leaves KMS; data keys go there to be wrapped.

The encryption context binds what is wrapped to its record, and shows in CloudTrail.
"""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Any, Final

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import ConfigurationError, SealBroken, StorageUnavailable

_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d{12}:(?:key|alias)/[\w/-]+", re.ASCII
)
_LOST: Final = {
    "NotFoundException": "it does not exist (any more)",
    "DisabledException": "it is disabled",
    "KMSInvalidStateException": "it is disabled or about to be deleted",
    "AccessDeniedException": "the server's identity may not use it (kms:Encrypt, kms:Decrypt)",
    "UnrecognizedClientException": "AWS does not know the server's own access key",
    "InvalidKeyUsageException": "it is not a key for encryption",
}
#: How long a call may take with all its attempts.
_SECONDS: Final = 15.0
_WRONG: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class KmsKeyWrapper:
    """Implements ports.KeyWrapper with kms:Encrypt and kms:Decrypt.

    ``identity`` is the server's own key; None finds one as every AWS tool does. Raises
    ConfigurationError for an ARN that is not a KMS key's.
    """

    def __init__(self, arn: str, *, identity: AccessKey | None = None, endpoint: str = "") -> None:
        found = _ARN.fullmatch(arn)
        if found is None:
            raise ConfigurationError(
                "The setting 'key' does not name a KMS key.",
                hint="Use awskms:///arn:aws:kms:REGION:ACCOUNT:key/ID.",
            )
        self.key_id = f"awskms:{arn}"
        self._arn = arn
        self._region = found["region"]
        self._identity = identity
        self._endpoint = endpoint
        self._client: Any = None

    async def wrap(self, data_key: bytes, associated_data: bytes) -> bytes:
        answer = await self._call(
            "Encrypt", Plaintext=data_key, EncryptionContext=_context(associated_data)
        )
        return bytes(answer["CiphertextBlob"])

    async def unwrap(self, wrapped: bytes, associated_data: bytes) -> bytes:
        answer = await self._call(
            "Decrypt", CiphertextBlob=wrapped, EncryptionContext=_context(associated_data)
        )
        return bytes(answer["Plaintext"])

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        failure: SealBroken | StorageUnavailable
        try:
            async with asyncio.timeout(_SECONDS):
                return await asyncio.to_thread(self._send, operation, parameters)
        except ClientError as error:
            failure = self._refused(str(error.response.get("Error", {}).get("Code", "")))
        except (BotoCoreError, OSError) as error:
            failure = StorageUnavailable(
                f"AWS KMS, which keeps the key-encryption key, can't be reached "
                f"({type(error).__name__}).",
                hint="See that this machine reaches KMS and has AWS credentials; then try again.",
            )
        # Outside the handlers: a botocore exception may hold the request, data key and all.
        raise failure

    def _send(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if self._client is None:
            self._client = self._make()
        call = getattr(self._client, xform_name(operation))
        answer: dict[str, Any] = call(KeyId=self._arn, **parameters)
        return answer

    def _make(self) -> Any:
        own: dict[str, Any] = {}
        if self._identity is not None:
            own = {
                "aws_access_key_id": self._identity.id,
                "aws_secret_access_key": self._identity.secret.reveal(),
            }
        config = Config(
            connect_timeout=5,
            read_timeout=10,
            retries={"total_max_attempts": 3, "mode": "standard"},
        )
        return botocore.session.Session().create_client(
            "kms",
            region_name=self._region,
            endpoint_url=self._endpoint or None,
            config=config,
            **own,
        )

    def _refused(self, code: str) -> SealBroken | StorageUnavailable:
        if code in _WRONG:
            return SealBroken(
                "A stored secret does not open: its record was moved or changed, or another KMS "
                "key sealed it.",
                hint="Restore the record from a backup, or enter the secret again.",
            )
        if code in _LOST:
            return SealBroken(
                f"The key-encryption key {self._arn} can't be used: {_LOST[code]}.",
                hint="Enable the key, cancel its deletion or grant its use, in AWS KMS; nothing "
                "was changed here.",
            )
        return StorageUnavailable(
            f"AWS KMS did not use the key-encryption key ({code or 'no reason given'}).",
            hint="Try again in a moment.",
        )


def _context(associated_data: bytes) -> dict[str, str]:
    return {"valetkey": base64.b64encode(associated_data).decode()}
