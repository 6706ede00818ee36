"""The API's description (OpenAPI 3.1), written from the operations that it has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import msgspec

from valetkey.api.v1.described_errors import STATUS_NAMES, codes_of, refusals_of
from valetkey.api.v1.request import texts_of
from valetkey.wire import OPERATIONS, TAGS
from valetkey.wire.base import Query
from valetkey.wire.credentials import ContainerError
from valetkey.wire.errors import ERROR_CATALOG, Error
from valetkey.wire.operation import CONTENT, NDJSON, Operation

_REF: Final = "#/components/schemas/{name}"
_INTRODUCTION: Final = (
    "Temporary S3 credentials that open just the bucket, folder and operations that somebody "
    "needs, with a record of who got them. Send an API token, or a login's token, as "
    "`Authorization: Bearer`. Every error is an `Error`; its `code` means one thing. A POST that "
    "makes something takes an `Idempotency-Key`: sent twice, it makes one; any other POST refuses "
    "the header. What can be changed has "
    "an `ETag`, and takes it in `If-Match`. Unknown parameters and properties are refused."
)
_PARAMETERS: Final = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A fresh random key. The same request sent again with it within a day gets "
        "the first one's answer, and makes nothing.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
        "example": "8f7cbb1e-5d1f-4a0e-9d6a-3c1f5f0b2a77",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag that was read; 412 and no change where it is another one by now.",
        "schema": {"type": "string", "minLength": 1},
        "example": '"3f2a9c0d5e6b7a8190a1b2c3d4e5f607"',
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "An ETag that is known; 304 where it is still the one.",
        "schema": {"type": "string", "minLength": 1},
        "example": '"3f2a9c0d5e6b7a8190a1b2c3d4e5f607"',
    },
    "Range": {
        "name": "Range",
        "in": "header",
        "description": "Which bytes: one range of them, as HTTP has it.",
        "schema": {"type": "string", "minLength": 1},
        "example": "bytes=0-1023",
    },
}
_HEADERS: Final = {
    "RequestId": {
        "description": "Under what the server's log knows this request.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "For how many seconds to wait.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {
        "description": "The version of what is shown, for If-Match.",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "Where it is to be found.",
        "schema": {"type": "string"},
    },
}
_BYTES: Final = {"type": "string", "format": "binary"}
#: Addresses whose values say what they are.
_EXAMPLES: Final = {"kind": "principal", "target": "ada@example.com"}


def describe(version: str) -> dict[str, Any]:
    """Return the description of every operation."""
    schemas = _Schemas(OPERATIONS)
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        at = paths.setdefault(operation.path, {})
        at[operation.method.lower()] = _described(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Valetkey",
            "version": version,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server that tells this."}],
        "security": [{"token": []}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "responses": refusals_of(paths),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token, or the token of a login.",
                }
            },
        },
    }


class _Schemas:
    """The JSON schemas of all shapes, by their names."""

    def __init__(self, operations: Iterable[Operation[Any, Any, Any]]) -> None:
        shapes: list[Any] = [Error, ContainerError]
        for operation in operations:
            shapes += [operation.query, operation.body, operation.result, operation.lines]
        self._shapes = list(dict.fromkeys(shape for shape in shapes if shape is not None))
        found, components = msgspec.json.schema_components(self._shapes, ref_template=_REF)
        self._found = dict(zip(self._shapes, found, strict=True))
        self.all = {_plain(name): _completed(schema) for name, schema in components.items()}
        queries = {_plain(shape.__name__) for op in operations for shape in [op.query]}
        self.components = {
            name: schema for name, schema in sorted(self.all.items()) if name not in queries
        }

    def ref(self, shape: Any) -> dict[str, Any]:
        """Return the reference to a shape."""
        return {"$ref": _plain(self._found[shape]["$ref"])}

    def properties(self, shape: Any) -> tuple[dict[str, Any], set[str]]:
        """Return a shape's properties, and which must be there."""
        schema = self.all[_plain(self._found[shape]["$ref"]).rpartition("/")[2]]
        return schema["properties"], set(schema.get("required", ()))

    def example(self, schema: dict[str, Any]) -> Any:
        """Return an example of a schema, put together from those of its properties."""
        if "$ref" in schema:
            return self.example(self.all[schema["$ref"].rpartition("/")[2]])
        if schema.get("examples"):
            return schema["examples"][0]
        if "properties" in schema:
            return {
                name: self.example(each)
                for name, each in schema["properties"].items()
                if name not in {"next", "report"} or name in schema.get("required", ())
            }
        for kind in ("anyOf", "allOf"):
            if kind in schema:
                return self.example(schema[kind][0])
        if schema.get("type") == "array":
            return [self.example(schema["items"])]
        return schema.get("enum", schema.get("default", [None]))[0]


def _plain(name: str) -> str:
    """Return a schema's name without brackets: ``Page[Integration]`` is an IntegrationPage."""
    return re.sub(r"Page(?:\[(\w+)\]|_(\w+)_)", lambda found: f"{found[1] or found[2]}Page", name)


def _completed(schema: Any) -> Any:
    """Return a schema with plain names, its title gone where it is the class's own, and unknown
    properties allowed in what the server sends."""
    if isinstance(schema, dict):
        return {
            key: _plain(value) if key == "$ref" else _completed(value)
            for key, value in schema.items()
            if key != "title" or not isinstance(value, str)
        }
    if isinstance(schema, str):
        # What the library tells in help() of a shape's properties, each of which says it here.
        return schema.partition("\n\n- ``")[0]
    if isinstance(schema, list):
        return [_completed(each) for each in schema]
    return schema


def _described(operation: Operation[Any, Any, Any], schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description or operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, schemas)],
        "responses": _responses(operation, schemas),
    }
    described["parameters"] += [
        {"$ref": f"#/components/parameters/{name}"}
        for name, is_taken in (
            ("IdempotencyKey", operation.makes),
            ("IfMatch", operation.versioned),
            ("IfNoneMatch", operation.method == "GET" and operation.has_etag),
            ("Range", operation.sends_content),
        )
        if is_taken
    ]
    if operation.has_body:
        schema = schemas.ref(operation.body)
        described["requestBody"] = {
            "required": operation.needs_body,
            "content": {"application/json": {"schema": schema, "example": schemas.example(schema)}},
        }
    if operation.reads_content:
        described["requestBody"] = {"required": True, "content": {CONTENT: {"schema": _BYTES}}}
    if operation.public:
        described["security"] = []
    return described


def _path_parameters(operation: Operation[Any, Any, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _description_of(name),
            "schema": {"type": "string", "minLength": 1},
            "example": _EXAMPLES.get(name, "0198c0de0000700080000001"),
        }
        for name in operation.parameters
    ]


def _description_of(parameter: str) -> str:
    words = re.sub(r"([A-Z])", r" \1", parameter).lower().split()
    return f"The {' '.join(words[:-1])}'s id." if words[-1] == "id" else f"The {parameter}."


def _query_parameters(
    operation: Operation[Any, Any, Any], schemas: _Schemas
) -> list[dict[str, Any]]:
    properties, required = schemas.properties(operation.query)
    asked: type[Query] = operation.query
    found, texts = list[dict[str, Any]](), texts_of(asked)
    for name, schema in properties.items():
        shape = _without_null(dict(schema))
        described: dict[str, Any] = {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": shape.pop("description"),
        }
        if name in texts and "enum" not in shape:
            shape.setdefault("minLength", 1)
        examples = [each for each in shape.pop("examples", []) if each is not None]
        described["schema"] = shape
        if examples:
            described["example"] = examples[0]
        found.append(described)
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema: one that is left out is left out, never null."""
    kinds = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    if len(kinds) == 1:
        schema = {name: value for name, value in schema.items() if name != "anyOf"} | kinds[0]
    if schema.get("default", ...) is None:
        del schema["default"]
    return schema


def _responses(operation: Operation[Any, Any, Any], schemas: _Schemas) -> dict[str, Any]:
    responses: dict[str, Any] = {str(operation.status): _success(operation, schemas)}
    if operation.method == "GET" and operation.has_etag:
        responses["304"] = {"description": "It is the version that is known."}
    if operation.sends_content:
        responses |= _contents(responses[str(operation.status)])
    for code in codes_of(operation):
        status = ERROR_CATALOG[code].status
        suffix = "OfContract" if operation.contract == "container" else ""
        name = f"{STATUS_NAMES[status]}{suffix}"
        responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(responses.items()))


def _contents(all_of_it: dict[str, Any]) -> dict[str, Any]:
    """Return the answers that are content, or lead to it, beside the one that describes none."""
    headers, content = all_of_it["headers"], {CONTENT: {"schema": _BYTES}}
    led = headers | {"Location": {"$ref": "#/components/headers/Location"}}
    return {
        "200": {"description": "All of the bytes.", "headers": headers, "content": content},
        "206": {"description": "The range of them.", "headers": headers, "content": content},
        "302": {"description": "They are at this URL.", "headers": led},
    }


def _success(operation: Operation[Any, Any, Any], schemas: _Schemas) -> dict[str, Any]:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    if operation.method in {"GET", "PATCH", "PUT"} and operation.has_etag:
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    if operation.status in {201, 202} and operation.has_etag:
        headers["Location"] = {"$ref": "#/components/headers/Location"}
    success: dict[str, Any] = {"description": "Done.", "headers": headers}
    if links := _links(operation):
        success["links"] = links
    if operation.has_result:
        schema = schemas.ref(operation.result)
        success["content"] = {
            "application/json": {"schema": schema, "example": schemas.example(schema)}
        }
    if operation.lines is not None:
        line = schemas.ref(operation.lines)
        success.setdefault("content", {})[NDJSON] = {"schema": line}
    for media_type in operation.media_types:
        success["content"][media_type] = {"schema": {"type": "string"}}
    return success


def _links(operation: Operation[Any, Any, Any]) -> dict[str, Any]:
    """Return which operations are about what this one has made, and where its id is."""
    if operation.status != HTTPStatus.CREATED or not operation.has_etag:
        return {}
    above = {name: f"$request.path.{name}" for name in operation.parameters}
    about = [
        other
        for other in OPERATIONS
        if other.path.rpartition("/")[0] == operation.path and other.path.endswith("}")
    ]
    return {
        other.id: {
            "operationId": other.id,
            "parameters": above | {other.parameters[-1]: "$response.body#/id"},
            "description": other.summary,
        }
        for other in about
    }
