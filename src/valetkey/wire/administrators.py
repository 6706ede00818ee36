"""An administrator's AWS credentials, for one request: they are never stored."""

from __future__ import annotations

from typing import Annotated

from valetkey.wire.base import Body, says


class Administrator(Body, frozen=True):
    """An administrator's AWS credentials, for this one request: they are never stored."""

    access_key_id: Annotated[str, says("The access key's id.", "AKIAIOSFODNN7EXAMPLE")]
    secret_access_key: Annotated[
        str, says("The secret.", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    ]
    session_token: Annotated[
        str | None, says("The token of temporary credentials.", "IQoJb3JpZ2luX2VjEXAMPLE")
    ] = None

    def __repr__(self) -> str:
        return "<Administrator>"
