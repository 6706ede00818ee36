"""``python -m valetkey.api.v1.compatibility``: what a changed description breaks for clients.

Compares ``docs/reference/openapi.json`` with the one of an earlier commit (the variable ``BASE``,
or the commit before this one). A break is accepted where the changelog's part of what is not
released yet names its operation or schema in a line that begins with ``- **Breaking``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

DOCUMENT: Final = "docs/reference/openapi.json"
_UNRELEASED: Final = re.compile(r"## Unreleased\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what breaks a client of the old description: the name of the operation or schema, and
    what became of it."""
    before, after = dict(_operations(old)), dict(_operations(new))
    for name, (place, operation) in before.items():
        if name not in after:
            yield name, f"{name} is gone"
            continue
        new_place, new_operation = after[name]
        if place != new_place:
            yield name, f"{name} moved from {place} to {new_place}"
        yield from ((name, text) for text in _parameter_breaks(name, operation, new_operation))
        for status in operation["responses"].keys() - new_operation["responses"].keys():
            if status.startswith("2"):
                yield name, f"{name} does not answer {status} any more"
    yield from _schema_breaks(old, new)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], (f"{method.upper()} {path}", operation)


def _parameters(operation: Mapping[str, Any]) -> dict[str, Any]:
    return {
        parameter.get("name", parameter.get("$ref", "")): parameter
        for parameter in operation.get("parameters", [])
    }


def _parameter_breaks(name: str, old: Any, new: Any) -> Iterator[str]:
    before, after = _parameters(old), _parameters(new)
    for parameter in before.keys() - after.keys():
        yield f"{name} does not take {parameter} any more"
    for parameter, described in after.items():
        was_required = before.get(parameter, {}).get("required", False)
        if described.get("required") and not was_required:
            yield f"{name} needs {parameter}"


def _schema_breaks(old: Any, new: Any) -> Iterator[tuple[str, str]]:
    before, after = old["components"]["schemas"], new["components"]["schemas"]
    sent = _names_in(part.get("requestBody") for _, (_, part) in _operations(new))
    for name, schema in before.items():
        if name not in after:
            yield name, f"{name} is gone"
            continue
        properties, others = schema.get("properties", {}), after[name].get("properties", {})
        for field in properties.keys() - others.keys():
            yield name, f"{name}.{field} is gone"
        for field in properties.keys() & others.keys():
            was, now = _kinds(properties[field]), _kinds(others[field])
            # What may be sent besides breaks nobody.
            if was != now and not (name in sent and was <= now):
                yield name, f"{name}.{field} is of another type"
        needed, wanted = set(schema.get("required", ())), set(after[name].get("required", ()))
        if name in sent:
            yield from ((name, f"{name}.{field} must be sent now") for field in wanted - needed)
        else:
            gone = (needed - wanted) & others.keys()
            yield from ((name, f"{name}.{field} may be missing now") for field in gone)


def _names_in(parts: Iterator[Any]) -> set[str]:
    return set(re.findall(r"#/components/schemas/(\w+)", json.dumps(list(parts))))


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    kept = {"type", "$ref", "items", "format"}
    return {
        json.dumps({name: one[name] for name in kept & one.keys()}, sort_keys=True)
        for one in schema.get("anyOf", [schema])
    }


def unannounced(found: Iterator[tuple[str, str]], changelog: str) -> list[str]:
    """Return those breaks that the changelog does not announce."""
    part = _UNRELEASED.search(changelog)
    lines = [line for line in (part[1] if part else "").splitlines() if "**Breaking" in line]
    return [text for name, text in found if not any(re.search(rf"\b{name}\b", it) for it in lines)]


def main() -> int:
    """Compare with the earlier document; tell what breaks and was not announced."""
    base = os.environ.get("BASE", "HEAD~1")
    shown = subprocess.run(  # noqa: S603  # our own words
        ["git", "show", f"{base}:{DOCUMENT}"],  # noqa: S607  # wherever git is
        capture_output=True,
        check=False,
    )
    if shown.returncode:
        return 0  # there was none yet
    new = json.loads(Path(DOCUMENT).read_text(encoding="utf-8"))
    changelog = Path("CHANGELOG.md").read_text(encoding="utf-8")
    left = unannounced(breaks(json.loads(shown.stdout), new), changelog)
    for text in left:
        sys.stderr.write(f"breaks clients, and the changelog does not say so: {text}\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
