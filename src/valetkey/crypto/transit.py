"""A key-encryption key in the transit engine of HashiCorp Vault or OpenBao: it never leaves there.

Both have the same HTTP API (``/v1/<mount>/encrypt/<key>``, ``decrypt``), as their documentation
has it under "Transit secrets engine (API)".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2

from valetkey.domain.errors import ConfigurationError, SealBroken, StorageUnavailable
from valetkey.domain.secret import Secret

_OK: Final = 200
_BAD: Final = 400
_FORBIDDEN: Final = 403
_MISSING: Final = 404
_TOKENS: Final = {"vault": "VAULT_TOKEN", "openbao": "BAO_TOKEN"}
_OPTIONS: Final = frozenset({"token_file", "token_env", "namespace", "ca"})
_FORM: Final = "vault://HOST:8200/transit/KEY?token_file=/run/secrets/vault-token"


@dataclass(frozen=True, slots=True)
class TransitKey:
    """Where the key is, and how its token is read (anew at each use: agents renew token files)."""

    kind: str
    base: str
    mount: str
    key: str
    read_token: Callable[[], Secret]
    namespace: str = ""
    ca: str = ""


def parse_transit(url: str, environment: Mapping[str, str]) -> TransitKey:
    """Read ``vault://host:port/mount/key`` or ``openbao://...``.

    The connection is https; ``vault+http`` and ``openbao+http`` are for loopback alone. The token
    is in ``token_file``, or in the variable ``token_env`` (VAULT_TOKEN, BAO_TOKEN). Raises
    ConfigurationError.
    """
    parts = urlsplit(url)
    kind, _, plain = parts.scheme.partition("+")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    mount, _, key = parts.path.strip("/").rpartition("/")
    if not (parts.hostname and mount and key) or plain not in {"", "http"} or kind not in _TOKENS:
        raise ConfigurationError("The setting 'key' names no transit key.", hint=f"Use {_FORM}.")
    if unknown := sorted(set(options) - _OPTIONS):
        raise ConfigurationError(
            f"{unknown[0]!r} is no option of a transit key.",
            hint=f"There are: {', '.join(sorted(_OPTIONS))}.",
        )
    if parts.username or parts.password:
        raise ConfigurationError(
            "A token does not belong into the URL of the key.", hint=f"Use {_FORM}."
        )
    if plain and not _is_loopback(parts.hostname):
        raise ConfigurationError(
            f"Data keys would go to {parts.hostname} unencrypted.", hint=f"Use {_FORM}."
        )
    return TransitKey(
        kind=kind,
        base=f"{'http' if plain else 'https'}://{parts.netloc}",
        mount=mount,
        key=key,
        read_token=_token_reader(kind, options, environment),
        namespace=options.get("namespace", ""),
        ca=options.get("ca", ""),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token_reader(
    kind: str, options: Mapping[str, str], environment: Mapping[str, str]
) -> Callable[[], Secret]:
    if "token_file" in options:
        path = Path(options["token_file"])

        def read() -> Secret:
            try:
                return Secret(path.read_text().strip())
            except OSError as error:
                raise StorageUnavailable(
                    f"The token file {path} can't be read: {error.strerror}.",
                    hint="See the agent that writes it, and the file's permissions.",
                ) from None

        return read
    name = options.get("token_env", _TOKENS[kind])
    token = Secret(environment.get(name, ""))
    if not token.reveal():
        raise ConfigurationError(
            f"There is no token for the key: the variable {name} is not set.",
            hint=f"Set it, or name a file: {_FORM}.",
        )
    return lambda: token


def _key_id(place: TransitKey) -> str:
    """Name a key among all that a server may know: two namespaces may each have one of a name."""
    where = f"{place.namespace.strip('/')}//" if place.namespace.strip("/") else ""
    return f"transit:{urlsplit(place.base).netloc}/{where}{place.mount}/{place.key}"


class TransitKeyWrapper:
    """Implements ports.KeyWrapper over HTTP."""

    def __init__(self, place: TransitKey) -> None:
        self._place = place
        self.key_id = _key_id(place)
        #: Earlier releases left the namespace out.
        self.earlier_ids = frozenset({_key_id(replace(place, namespace=""))} - {self.key_id})
        verify: Any = place.ca or True
        self._http = httpx2.AsyncClient(base_url=place.base, timeout=10, verify=verify)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def wrap(self, data_key: bytes, associated_data: bytes) -> bytes:
        asked = {"plaintext": _b64(data_key), "associated_data": _b64(associated_data)}
        return str((await self._post("encrypt", asked))["ciphertext"]).encode()

    async def unwrap(self, wrapped: bytes, associated_data: bytes) -> bytes:
        asked = {
            "ciphertext": wrapped.decode("ascii", "replace"),
            "associated_data": _b64(associated_data),
        }
        try:
            answer = await self._post("decrypt", asked)
            return base64.b64decode(answer["plaintext"], validate=True)
        except (binascii.Error, ValueError):
            raise self._unusable("it answered with something else") from None

    async def _post(self, operation: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        place = self._place
        headers = {"X-Vault-Token": place.read_token().reveal(), "X-Vault-Request": "true"}
        if place.namespace:
            headers["X-Vault-Namespace"] = place.namespace
        try:
            answer = await self._http.post(
                f"/v1/{place.mount}/{operation}/{place.key}", json=body, headers=headers
            )
        except httpx2.HTTPError as error:
            raise self._unusable(type(error).__name__) from None
        if answer.status_code != _OK:
            raise self._refused(operation, answer.status_code)
        try:
            data: Mapping[str, Any] = answer.json()["data"]
            _ = data["ciphertext" if operation == "encrypt" else "plaintext"]
        except (ValueError, KeyError, TypeError):
            raise self._unusable("it answered with something else") from None
        return data

    def _refused(self, operation: str, status: int) -> SealBroken | StorageUnavailable:
        if status == _FORBIDDEN:
            return SealBroken(
                f"The key-encryption key {self.key_id} can't be used: the token may not, or has "
                "ended.",
                hint="Renew the token; its policy needs update on "
                f"{self._place.mount}/encrypt/{self._place.key} and decrypt.",
            )
        if status == _MISSING:
            return SealBroken(
                f"The key-encryption key {self.key_id} does not exist (any more).",
                hint="Name the right mount and key, or restore it; nothing was changed here.",
            )
        if status == _BAD and operation == "decrypt":
            return SealBroken(
                "A stored secret does not open: its record was moved or changed, or the transit "
                "key was made anew.",
                hint="Restore the key or the record from a backup, or enter the secret again.",
            )
        return self._unusable(f"status {status}")

    def _unusable(self, why: str) -> StorageUnavailable:
        return StorageUnavailable(
            f"{self._place.base}, which keeps the key-encryption key, can't be used ({why}).",
            hint="See that it is reachable and unsealed; then try again.",
        )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
