"""Signed tokens: JWT with HMAC-SHA-256 and nothing else, for this installation only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from valetkey.domain.errors import Unauthenticated
from valetkey.domain.ports import TokenClaims
from valetkey.domain.secret import Secret

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "valetkey"
_MAX_LENGTH: Final = 4096
_TEXT: Final = ("sub", "email", "aud", "iss")


class JwtTokens:
    """Implements ports.TokenSigner. ``installation_id`` is the audience: a token of another
    installation does not open this one, even under the same key."""

    def __init__(self, key: Secret, installation_id: str) -> None:
        self._key = OctKey.import_key(key.reveal())
        self._audience = installation_id

    def issue(self, claims: TokenClaims) -> Secret:
        payload = {
            "iss": _ISSUER,
            "aud": self._audience,
            "sub": claims.user_id,
            "email": claims.email,
            "jti": claims.token_id,
            "gen": claims.generation,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "auth_time": claims.logged_in_at.timestamp(),
        }
        return Secret(jwt.encode({"alg": _ALGORITHM, "typ": "JWT"}, payload, self._key))

    def read(self, token: str, *, now: datetime) -> TokenClaims:
        if len(token) > _MAX_LENGTH:
            raise _refused("is not one of ours")
        try:
            payload = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError, TypeError, UnicodeError):
            raise _refused("is not one of ours") from None
        if not all(isinstance(payload.get(name), str) for name in _TEXT):
            raise _refused("is not one of ours")
        if payload["iss"] != _ISSUER or payload["aud"] != self._audience:
            raise _refused("belongs to another installation")
        claims = _claims(payload)
        if claims.expires_at <= now:
            raise _refused("has expired")
        return claims


def _claims(payload: dict[str, Any]) -> TokenClaims:
    issued, expires, logged_in = (payload.get(name) for name in ("iat", "exp", "auth_time"))
    # A login from before generations were counted is of none: its password is asked for again.
    generation = payload.get("gen", -1)
    if not (
        isinstance(issued, int)
        and isinstance(expires, int)
        and isinstance(logged_in, int | float)
        and isinstance(generation, int)
    ):
        raise _refused("is not one of ours")
    return TokenClaims(
        user_id=payload["sub"],
        email=payload["email"],
        token_id=str(payload.get("jti", "")),
        issued_at=datetime.fromtimestamp(issued, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC),
        logged_in_at=datetime.fromtimestamp(logged_in, UTC),
        generation=generation,
    )


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"The token {why}.", hint="Log in again, or use another API token.")
