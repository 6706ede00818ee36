"""What AWS's errors mean and what fixes them: the one table.

Sources: the error references of STS, IAM and S3, and what was seen on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from valetkey.domain.diagnosis import Layer
from valetkey.domain.errors import ACCESS_DENIED


@dataclass(frozen=True, slots=True)
class KnownError:
    """What an error means. ``codes`` are AWS's (empty: any); ``words`` must all stand in its
    message or in the operation's name, in lower case."""

    codes: frozenset[str]
    cause: str
    fix: str
    words: tuple[str, ...] = ()

    def fits(self, code: str, text: str) -> bool:
        """Tell whether this is the meaning of an error."""
        known = not self.codes or code in self.codes
        return known and all(word in text for word in self.words)


def known_error(code: str, message: str, doing: str) -> KnownError | None:
    """Return the first row that fits; ``doing`` is the operation (``sts:AssumeRole``)."""
    text = f"{message} {doing}".lower()
    return next((meaning for meaning in KNOWN_ERRORS if meaning.fits(code, text)), None)


def _row(codes: str, cause: str, fix: str, *words: str) -> KnownError:
    return KnownError(frozenset(codes.split()), cause, fix, words)


_DENIED: Final = " ".join(sorted(ACCESS_DENIED))
_CLOCK: Final = "Set this machine's clock (NTP)."
_TRUST: Final = (
    "The role does not trust the user: its trust policy lacks the user, or the user was deleted "
    "and made again.",
    "Save the role's trust policy again, with the user's ARN as its principal.",
)
_REGION: Final = (
    "The bucket is in another region.",
    "Use the region that S3 names, or leave it empty: Valetkey finds it out.",
)

_KEYS: Final = (
    _row(
        "InvalidClientTokenId InvalidAccessKeyId UnrecognizedClientException",
        "AWS does not know the access key: it was deleted, is inactive, is mistyped, belongs to "
        "another partition, or is only seconds old.",
        "List the user's access keys in IAM and compare; if the key was just made, try again in "
        "ten seconds.",
    ),
    _row(
        "SignatureDoesNotMatch",
        "The clocks differ: AWS finds the signature too old.",
        _CLOCK,
        "signature expired",
    ),
    _row(
        "SignatureDoesNotMatch",
        "The clocks differ: AWS finds the signature too new.",
        _CLOCK,
        "not yet current",
    ),
    _row(
        "RequestTimeTooSkewed RequestExpired",
        "The clocks differ: AWS finds the request too old or too new.",
        _CLOCK,
    ),
    _row(
        "SignatureDoesNotMatch",
        "The request was signed for another region than the endpoint's.",
        "Use the endpoint of the region, or none at all.",
        "valid region",
    ),
    _row(
        "SignatureDoesNotMatch",
        "The secret access key is wrong, or has white space in it.",
        "Enter the secret again, without white space; if it is lost, make a new key.",
    ),
    _row(
        "ExpiredToken ExpiredTokenException TokenRefreshRequired",
        "The session is over.",
        "Ask for a new credential.",
    ),
    _row(
        "InvalidToken",
        "AWS does not take the session token: it is damaged, belongs to another key, or its region "
        "is one that has to be opted into.",
        "Ask for a new credential, and copy its three parts together.",
    ),
)

#: The exact ones stand above the general ones.
_DENIALS: Final = (
    _row(
        _DENIED,
        "The role's trust policy does not allow tagging a session.",
        "Add sts:TagSession to the trust policy.",
        "sts:tagsession",
    ),
    _row(
        _DENIED,
        "The role's trust policy does not allow a source identity.",
        "Add sts:SetSourceIdentity to the trust policy.",
        "sts:setsourceidentity",
    ),
    _row(
        _DENIED,
        "A service control policy of the AWS organisation denies it.",
        "Ask the administrator of the AWS organisation.",
        "service control policy",
    ),
    _row(
        _DENIED,
        "A resource control policy of the AWS organisation denies it.",
        "Ask the administrator of the AWS organisation.",
        "resource control policy",
    ),
    _row(
        _DENIED,
        "A permissions boundary denies it.",
        "Widen the permissions boundary of the user or the role.",
        "permissions boundary",
    ),
    _row(
        _DENIED,
        "The policy of a VPC endpoint denies it.",
        "Allow it in the VPC endpoint's policy.",
        "vpc endpoint policy",
    ),
    _row(
        _DENIED,
        "The role may not restore archived objects, which the set-up does not give by itself.",
        "Allow the role s3:RestoreObject on the folder; restoring costs money at AWS.",
        "s3:restoreobject",
    ),
    _row(
        _DENIED + " InvalidRequest",
        "The bucket lets those pay who ask (Requester Pays), and refuses whoever does not say that "
        "they will.",
        "Set requesterPays on the location; the account of the key is charged then.",
        "requester pays",
    ),
    _row(
        _DENIED + " KMS.AccessDeniedException KMSAccessDeniedException",
        "The role may not use the KMS key that encrypts the bucket: the key's policy, or its "
        "encryption context, leaves it out.",
        "Allow the role kms:Decrypt and kms:GenerateDataKey, in its policy and in the key's.",
        "kms:",
    ),
    _row(
        _DENIED,
        "The user has no right to assume the role: its inline policy is missing, or names another "
        "role.",
        "Give the user an inline policy that allows sts:AssumeRole on the role's ARN.",
        "no identity-based policy allows the sts:assumerole",
    ),
    _row(
        _DENIED,
        "A policy of the user forbids it expressly to assume the role: a deny beats every allow.",
        "Look for a Deny of sts:AssumeRole in the policies of the user and of its groups.",
        "sts:assumerole",
        "explicit deny in an identity-based policy",
    ),
    _row(_DENIED, *_TRUST, "no role trust policy allows"),
    _row(_DENIED, *_TRUST, "no resource-based policy allows the sts:assumerole"),
    _row(
        _DENIED,
        "AWS does not let the user assume the role, and does not say why: the role is missing or "
        "its name has other capital letters, or an external id, MFA, address or date is demanded.",
        "Compare the role's ARN letter by letter; then look at each condition of its trust policy.",
        "sts:assumerole",
    ),
    _row(
        _DENIED,
        "The credential's own session policy does not allow it.",
        "Ask for a credential that covers this folder and this kind of access.",
        "session policy",
    ),
    _row(
        _DENIED,
        "The bucket's own policy denies it.",
        "Change the bucket policy: an explicit deny there beats every allow.",
        "resource-based policy",
    ),
    _row(
        _DENIED,
        "A policy of the role or the user denies it expressly; a revoked session is denied so too.",
        "Look for a Deny in the policies of the role; after a revocation, ask for a new "
        "credential.",
        "explicit deny in an identity-based policy",
    ),
    _row(
        _DENIED,
        "The role's policy does not allow listing the bucket here: it has the ARN of the objects "
        "only, or a condition on the prefix.",
        "Allow s3:ListBucket on the bucket's own ARN (without /*), and see that its prefix "
        "condition names this folder.",
        "s3:listbucket",
    ),
    _row(
        _DENIED,
        "The role's policy does not allow listing the bucket here: it has the ARN of the objects "
        "only, or a condition on the prefix.",
        "Allow s3:ListBucket on the bucket's own ARN (without /*), and see that its prefix "
        "condition names this folder.",
        "s3:listobjects",
    ),
    _row(
        "AccessForbidden",
        "The bucket has no CORS rule for the page that asks: browsers are refused, other programs "
        "are not.",
        "Add a CORS rule for the page's origin and method to the bucket.",
        "cors",
    ),
    _row(
        _DENIED + " UnauthorizedOperation AllAccessDisabled AccountProblem",
        "AWS does not allow it to this credential.",
        "See that the role's policy allows it on this bucket and folder, and that neither the "
        "bucket's policy nor a boundary denies it.",
    ),
)

_ORDERS: Final = (
    _row(
        "ValidationError",
        "The time to live is more than the role allows.",
        "Ask for a shorter one, or raise the role's maximum session duration.",
        "maxsessionduration",
    ),
    _row(
        "ValidationError",
        "The integration's own key is a role's session, and such a chain lasts an hour at most.",
        "Ask for at most 3600 seconds.",
        "role chaining",
    ),
    _row(
        "PackedPolicyTooLarge PackedPolicySizeExceeded",
        "The scope is too large for AWS's packed form of a session policy.",
        "Ask for fewer folders, or for several credentials.",
    ),
    _row(
        "MalformedPolicyDocument",
        "AWS does not take the policy: it is not valid, or names a principal that it does not see "
        "yet.",
        "Try again in ten seconds; if it stays so, look at AWS's own words.",
    ),
    _row(
        "RegionDisabledException",
        "STS is switched off in this region.",
        "Switch it on in IAM's account settings, or use another region.",
    ),
    _row(
        "LimitExceeded LimitExceededException",
        "The user has two access keys already, which is AWS's limit; inactive ones count.",
        "Delete the one that is not used (IAM shows when each was last used).",
        "accesskeysperuser",
    ),
    _row(
        "EntityAlreadyExists",
        "A thing of this name is there already, perhaps from a set-up that was interrupted.",
        "Adopt it, or choose another name.",
    ),
    _row(
        "DeleteConflict",
        "Other things still hang on it.",
        "Detach its policies and delete its keys first.",
    ),
    _row("NoSuchEntity", "There is no such user, role or policy.", "Check its name and account."),
)

_BUCKETS: Final = (
    _row(
        "PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed "
        "IllegalLocationConstraintException 301 307",
        *_REGION,
    ),
    # S3 gives no body with HEAD; 400 is its way of saying "signed for another region" then.
    _row("400", *_REGION, "s3:head"),
    _row("NoSuchBucket", "There is no such bucket.", "Check the bucket's name."),
    _row("404", "There is no such bucket.", "Check the bucket's name.", "s3:headbucket"),
    _row("NoSuchKey 404", "There is no such object.", "Check its name."),
    _row(
        "InvalidObjectState",
        "The object is archived, and can't be read before it is restored.",
        "Restore it first (S3's RestoreObject), which takes hours; then try again.",
    ),
    _row("NoSuchUpload", "There is no such upload: it has ended, or was given up.", "Begin anew."),
)

#: Who refuses, by what AWS says: a code, or words (in lower case) that stand in its message or in
#: the operation's name. The first that fits decides.
_LAYERS: Final = (
    ("service control policy", Layer.ORGANIZATION),
    ("resource control policy", Layer.ORGANIZATION),
    ("permissions boundary", Layer.BOUNDARY),
    ("vpc endpoint policy", Layer.VPC_ENDPOINT),
    ("kms:", Layer.KEY_POLICY),
    ("sts:tagsession", Layer.TRUST),
    ("sts:setsourceidentity", Layer.TRUST),
    ("role trust policy", Layer.TRUST),
    ("no resource-based policy allows the sts:assumerole", Layer.TRUST),
    ("session policy", Layer.SESSION),
    ("resource-based policy", Layer.BUCKET_POLICY),
    ("identity-based policy", Layer.IDENTITY),
)
_CODE_LAYERS: Final = {
    "InvalidClientTokenId": Layer.CREDENTIALS,
    "InvalidAccessKeyId": Layer.CREDENTIALS,
    "UnrecognizedClientException": Layer.CREDENTIALS,
    "ExpiredToken": Layer.CREDENTIALS,
    "ExpiredTokenException": Layer.CREDENTIALS,
    "InvalidToken": Layer.CREDENTIALS,
    "RequestTimeTooSkewed": Layer.CLOCK,
    "RequestExpired": Layer.CLOCK,
    "RegionDisabledException": Layer.REGION,
    "PermanentRedirect": Layer.REGION,
    "AuthorizationHeaderMalformed": Layer.REGION,
    "IllegalLocationConstraintException": Layer.REGION,
}
_SIGNATURES: Final = (
    ("signature expired", Layer.CLOCK),
    ("not yet current", Layer.CLOCK),
    ("valid region", Layer.REGION),
    ("", Layer.CREDENTIALS),
)


def layer_of(code: str, message: str, doing: str) -> Layer | None:
    """Return which layer refuses, as far as AWS's words tell."""
    text = f"{message} {doing}".lower()
    if code in _CODE_LAYERS:
        return _CODE_LAYERS[code]
    if code == "SignatureDoesNotMatch":
        return next(layer for words, layer in _SIGNATURES if words in text)
    if "denied" not in code.lower() and code != "403":
        return None
    return next((layer for words, layer in _LAYERS if words in text), None)


#: The first row that fits decides.
KNOWN_ERRORS: Final = (*_KEYS, *_DENIALS, *_ORDERS, *_BUCKETS)

#: AWS asks for patience: the same call may go through soon.
THROTTLES: Final = frozenset(
    [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "BandwidthLimitExceeded",
        "SlowDown",
        "PriorRequestNotComplete",
        "429",
        "503",
    ]
)
