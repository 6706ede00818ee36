"""Errors: one shape, and a catalog in which each code means one thing."""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple

from valetkey.wire.base import Shape, says


class ErrorDetail(Shape, frozen=True):
    """What happened, why, and what to do."""

    code: Annotated[str, says("What kind of error it is, for programs.", "name_taken")]
    message: Annotated[
        str, says("What happened, in a sentence.", "There is an integration 'aws' already.")
    ]
    request_id: Annotated[
        str, says("Under what the server's log knows this request.", "5ddf9d20b1c8ea1f0000")
    ]
    hint: Annotated[str | None, says("What to do about it.", "Choose another name.")] = None
    field: Annotated[str | None, says("The property or parameter that is meant.", "name")] = None
    details: Annotated[
        dict[str, Any] | None, says("Further facts, by the code.", {"awsCode": "AccessDenied"})
    ] = None


class Error(Shape, frozen=True):
    """The body of every answer that is no success."""

    error: Annotated[ErrorDetail, says("The error.")]


class ErrorCode(NamedTuple):
    """An error code: the status that it comes with, what it means, and what to do about it."""

    status: int
    meaning: str
    remedy: str


#: Every code that the own API answers with.
ERROR_CATALOG: Final[dict[str, ErrorCode]] = {
    "invalid_input": ErrorCode(
        400,
        "A property, a parameter or the body can't be right, whatever the state of the server.",
        "`field` names it, and `hint` says what it should be.",
    ),
    "too_large": ErrorCode(
        400, "The input is well-formed, and beyond a stated limit.", "Ask for less in one request."
    ),
    "idempotency_key_invalid": ErrorCode(
        400,
        "The Idempotency-Key is empty, longer than 200 letters or not printable.",
        "Send a fresh random one, such as a UUID, for each thing that is to be made.",
    ),
    "idempotency_key_not_taken": ErrorCode(
        400,
        "The request has an Idempotency-Key, and its operation is a POST that takes none: it would "
        "be worked on again under the same key.",
        "Leave the header out; such an operation makes nothing that could be made twice.",
    ),
    "unauthenticated": ErrorCode(
        401,
        "The request has no token, or one that does not hold (any more).",
        "Log in again, or use another API token.",
    ),
    "denied": ErrorCode(
        403,
        "Who asks is known, and has no right to this; `message` says which one is missing.",
        "Ask an owner of the project or of the organisation.",
    ),
    "not_found": ErrorCode(
        404,
        "There is no such thing, or none that the caller may know of.",
        "List what there is.",
    ),
    "no_such_address": ErrorCode(
        404, "The API has no such address.", "See the API's description at /v1/openapi.json."
    ),
    "method_not_allowed": ErrorCode(
        405, "The address does not take this method.", "`Allow` names those that it takes."
    ),
    "name_taken": ErrorCode(
        409, "Another one has this name already.", "Choose another name, or use what there is."
    ),
    "name_ambiguous": ErrorCode(
        409, "Several have this name, in different projects.", "Use the id; `hint` lists them."
    ),
    "in_use": ErrorCode(
        409, "It can't go while others stand on it.", "Delete those that `hint` names first."
    ),
    "changed_meanwhile": ErrorCode(
        409,
        "Somebody else changed it at the same moment, and this request came second.",
        "Read it again, and decide anew; `message` says what was done of the request.",
    ),
    "already_over": ErrorCode(
        409, "The work is over, so there is nothing to cancel.", "Start it again if it is needed."
    ),
    "object_exists": ErrorCode(
        409,
        "Another object has this name already.",
        "Choose another name, overwrite it, or delete it first.",
    ),
    "deletes_not_allowed": ErrorCode(
        409,
        "The location does not let objects be deleted, and what was asked for means deleting one.",
        "Ask a developer to set allowExternalDelete on the location.",
    ),
    "partly_done": ErrorCode(
        409,
        "It was done to some of many, and could not be to others: `details.done` and "
        "`details.failed` count them, and `details.failures` names the first hundred of these, "
        "each with the `code`, the message and the hint that it would have alone.",
        "Do what the hints say, and send the request again: what is done stays done.",
    ),
    "not_as_expected": ErrorCode(
        409,
        "The filter fits other objects, or another number of them, than the request expects.",
        "List them with the same filter, and send what you then expect.",
    ),
    "not_archived": ErrorCode(
        409, "The object can be read as it is: there is nothing to restore.", "Read it."
    ),
    "archived": ErrorCode(
        409,
        "The object lies in an archive, and can't be read or moved before it is restored.",
        "Restore it (`POST /v1/objects/{id}/restores`), which takes hours; then try again.",
    ),
    "last_owner": ErrorCode(
        409,
        "An organisation keeps at least one owner.",
        "Make somebody else an owner first.",
    ),
    "integration_disabled": ErrorCode(
        409,
        "The integration is switched off, so it gives no credentials.",
        "Ask an owner of the organisation to enable it.",
    ),
    "no_temporary_credentials": ErrorCode(
        409,
        "The integration is of a type whose key is used as it is: there is no role to assume.",
        "Use a location on an integration of the type aws-sts or aws-cross.",
    ),
    "role_missing": ErrorCode(
        409,
        "The integration has no role yet.",
        "Make a role whose trust policy asks for the external id, and enter its ARN.",
    ),
    "no_static_key": ErrorCode(
        409,
        "The integration's key assumes a role, and is not used as it is.",
        "Ask for temporary credentials.",
    ),
    "key_in_rotation": ErrorCode(
        409,
        "A rotation of this integration is about to take this key away.",
        "Cancel the rotation first, or enter another key.",
    ),
    "rotation_under_way": ErrorCode(
        409,
        "A rotation of this integration is under way already.",
        "See how far it is, and let it end or cancel it.",
    ),
    "not_rotatable": ErrorCode(
        409,
        "Valetkey can't replace this key: the integration has none of an IAM user, or the store "
        "does not say whose it is.",
        "Set up a user of its own, or make a key at the store and enter it.",
    ),
    "key_inactive": ErrorCode(
        409,
        "The key that Valetkey holds is inactive or gone at AWS, so it can't make another.",
        "Activate it again, or make a key in IAM and enter it.",
    ),
    "unknown_key": ErrorCode(
        409,
        "The user has another access key, which Valetkey did not make: there is no room for one.",
        "Find out what uses it; name it in deleteUnknownKey once it may go.",
    ),
    "key_in_use": ErrorCode(
        409,
        "Somebody has activated the old key again: something else uses it.",
        "Give what uses it a key of its own, then name the old one in deleteUnknownKey.",
    ),
    "administrator_needed": ErrorCode(
        409,
        "The work was begun with an administrator's AWS credentials, which are not kept.",
        "Send them once more.",
    ),
    "idempotency_key_reused": ErrorCode(
        409,
        "The Idempotency-Key was used within a day for another request.",
        "Use a fresh key for each thing that is to be made.",
    ),
    "idempotency_in_progress": ErrorCode(
        409,
        "The request with this Idempotency-Key is still being worked on.",
        "Wait, and send it again.",
    ),
    "idempotency_outcome_unknown": ErrorCode(
        409,
        "Nobody knows what became of the request with this Idempotency-Key: the server was killed "
        "while it worked on it (this is told ten minutes later; until then "
        "`idempotency_in_progress`), the database went away while it was to commit, or the answer "
        "held a secret that can't be given again. One thing was made at most.",
        "List what there is; if it was not made, send the request again with a fresh key.",
    ),
    "version_mismatch": ErrorCode(
        412,
        "It was changed since it was read: its ETag is not the one in If-Match.",
        "Read it again, and decide anew.",
    ),
    "took_too_long": ErrorCode(
        408,
        "The work would have taken longer than one request may, and was stopped.",
        "Ask for less: a narrower filter, a smaller part.",
    ),
    "range_not_satisfiable": ErrorCode(
        416, "The object has no bytes in that range.", "Ask for what is within its size."
    ),
    "request_entity_too_large": ErrorCode(
        413, "The body has more bytes than this operation reads.", "Send less in one request."
    ),
    "unsupported_media_type": ErrorCode(
        415,
        "The body's content type is not one that this operation reads.",
        "Send JSON, with `Content-Type: application/json`.",
    ),
    "locked": ErrorCode(
        423, "The same work is under way already.", "Wait for its end, or cancel it."
    ),
    "aws_refused": ErrorCode(
        424,
        "AWS, or the store, answered and said no; `details.awsCode` is its own code.",
        "`hint` says which policy or setting to fix; verify the integration for a full report.",
    ),
    "too_many_requests": ErrorCode(
        429, "The caller must slow down.", "Wait for as many seconds as `Retry-After` says."
    ),
    "internal": ErrorCode(
        500,
        "Something went wrong inside the server.",
        "Report it with the request id; the server's log has the rest.",
    ),
    "seal_broken": ErrorCode(
        500,
        "A stored secret does not open: a wrong sealing key, or another installation's record.",
        "Give the server the sealing key that it had, or enter the secret again.",
    ),
    "being_revoked": ErrorCode(
        503,
        "Sessions of this kind are being revoked at this moment, so none is given.",
        "Ask again in some seconds, when that is done.",
    ),
    "engine_failed": ErrorCode(
        503,
        "The engine that bulk work was given to (a Ray cluster) failed, or does not answer.",
        "Look at the cluster, or run the work without it.",
    ),
    "aws_unavailable": ErrorCode(
        503,
        "AWS, or the store, did not answer in time, or asked to come back later.",
        "Send the request again in a moment.",
    ),
    "storage_unavailable": ErrorCode(
        503,
        "The database can't be reached, is locked, read-only or full.",
        "Send the request again in a moment; the server's operator finds the cause in /readyz.",
    ),
    "audit_unavailable": ErrorCode(
        503,
        "The audit record could not be made durable, so nothing was handed out.",
        "See that the database is reachable, writable and has room; then ask again.",
    ),
}
