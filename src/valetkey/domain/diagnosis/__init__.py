"""Why AWS refuses, and what fixes it: layers, policies as IAM reads them, exact fixes. Pure."""

from valetkey.domain.diagnosis.fixes import Names
from valetkey.domain.diagnosis.layers import Layer

__all__ = ["Layer", "Names"]
