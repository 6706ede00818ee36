"""The description of the own API as clients read it, made once for all tests of a process."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from valetkey.api.v1.openapi import describe

DOCUMENT: Final[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(describe("1")))
#: An example of what each operation with a JSON body takes.
EXAMPLES: Final[dict[str, Any]] = {
    operation["operationId"]: content["application/json"]["example"]
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
    if (content := operation.get("requestBody", {}).get("content", {})).get("application/json")
}
