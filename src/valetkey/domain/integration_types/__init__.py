"""The types of integrations, a module each: what is given for one, and how it opens a store."""

from valetkey.domain.integration_types.base import CheckedParts, NewIntegration, TypeRules
from valetkey.domain.integration_types.registry import IntegrationType, checked, parse_type

__all__ = [
    "CheckedParts",
    "IntegrationType",
    "NewIntegration",
    "Opening",
    "TypeRules",
    "checked",
    "parse_type",
]
