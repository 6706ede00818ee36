"""A small, honest reader of IAM policies: what it can't know, it calls unknown. Pure."""

from valetkey.domain.diagnosis.iam.documents import Policy, Statement, parse_policy
from valetkey.domain.diagnosis.iam.evaluate import LayerDecision, Request, Ruling, rule, why_not
from valetkey.domain.diagnosis.iam.truth import Truth

__all__ = [
    "LayerDecision",
    "Policy",
    "Request",
    "Ruling",
    "Statement",
    "Truth",
    "parse_policy",
    "rule",
    "why_not",
]
