"""Key-encryption keys by URL: a file, the environment, AWS KMS, Vault or OpenBao."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from valetkey.crypto.keys import LocalKeyWrapper, read_key_file, read_key_variable
from valetkey.crypto.kms import KmsKeyWrapper
from valetkey.crypto.sealing import EnvelopeSealer
from valetkey.crypto.transit import TransitKeyWrapper, parse_transit
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import ConfigurationError
from valetkey.domain.ports import Entropy, KeyWrapper

_FORMS: Final = (
    "file:/path/to/file, env:NAME, awskms:///arn:aws:kms:REGION:ACCOUNT:key/ID, "
    "vault://HOST/MOUNT/KEY or openbao://HOST/MOUNT/KEY"
)


def open_key(
    url: str,
    environment: Mapping[str, str],
    entropy: Entropy,
    *,
    identity: AccessKey | None = None,
    kms_endpoint: str = "",
) -> KeyWrapper:
    """Return the key-encryption key at a URL. ``identity`` is the server's own at AWS.

    Raises ConfigurationError for a key that is missing, or an unknown kind.
    """
    scheme, _, place = url.partition(":")
    if scheme == "file":
        return LocalKeyWrapper(read_key_file(Path(place).expanduser()), entropy)
    if scheme == "env":
        return LocalKeyWrapper(read_key_variable(place, environment), entropy)
    if scheme == "awskms":
        return KmsKeyWrapper(place.removeprefix("///"), identity=identity, endpoint=kms_endpoint)
    if scheme.partition("+")[0] in {"vault", "openbao"}:
        return TransitKeyWrapper(parse_transit(url, environment))
    raise ConfigurationError("The setting 'key' names no known kind of key.", hint=f"Use {_FORMS}.")


def open_sealer(
    urls: Sequence[str],
    environment: Mapping[str, str],
    entropy: Entropy,
    *,
    identity: AccessKey | None = None,
    kms_endpoint: str = "",
) -> EnvelopeSealer:
    """Return a sealer: the first key seals, the others (previous ones) open what is left of them.

    Raises ConfigurationError.
    """
    wrappers = [
        open_key(url, environment, entropy, identity=identity, kms_endpoint=kms_endpoint)
        for url in urls
    ]
    return EnvelopeSealer(wrappers, entropy)
