"""Asking AWS whether an integration and its locations really work: a report of positive claims."""

from valetkey.services.verification.checklist import OnCheck, ignore_check
from valetkey.services.verification.identity import SESSION_NAME
from valetkey.services.verification.sessions import place_of
from valetkey.services.verification.streaming import stream
from valetkey.services.verification.verifier import Verifier

__all__ = ["SESSION_NAME", "OnCheck", "Verifier", "ignore_check", "place_of", "stream"]
