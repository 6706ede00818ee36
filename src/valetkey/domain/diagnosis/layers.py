"""The layers of AWS that can refuse a call. Each must agree; the first that does not, decides."""

from __future__ import annotations

from enum import StrEnum


class Layer(StrEnum):
    """Who says no (IAM user guide, "Policy evaluation logic")."""

    CREDENTIALS = "credentials"
    CLOCK = "clock"
    REGION = "region"
    IDENTITY = "identity"
    TRUST = "trust"
    BOUNDARY = "permissionsBoundary"
    SESSION = "session"
    BUCKET_POLICY = "bucketPolicy"
    KEY_POLICY = "keyPolicy"
    ORGANIZATION = "organisation"
    VPC_ENDPOINT = "vpcEndpoint"


#: What each is, to somebody who has never seen IAM.
KNOWN_ERRORS = {
    Layer.CREDENTIALS: "the access key itself",
    Layer.CLOCK: "the time of the request",
    Layer.REGION: "the region that was asked",
    Layer.IDENTITY: "the policies of the user or the role that asks",
    Layer.TRUST: "the role's trust policy, which says who may become the role",
    Layer.BOUNDARY: "the permissions boundary, an upper limit set on the user or the role",
    Layer.SESSION: "the session policy, which Valetkey itself hands along to narrow a session",
    Layer.BUCKET_POLICY: "the bucket's own policy",
    Layer.KEY_POLICY: "the policy of the KMS key that encrypts the bucket",
    Layer.ORGANIZATION: "a rule of the AWS organisation that the account belongs to",
    Layer.VPC_ENDPOINT: "the policy of the VPC endpoint on the way to AWS",
}
