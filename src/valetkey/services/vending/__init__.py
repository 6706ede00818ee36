"""Vending: one decision, at most one AssumeRole, one durable record.

``location_context`` is what is known of a location, ``authorization`` decides, ``issuing`` calls
STS, ``session_cache`` keeps what came of it; ``vending`` puts them in order, ``presigning`` makes
URLs.
"""

from valetkey.services.vending.authorization import VendRequest
from valetkey.services.vending.presigning import Presigned, Presigning, PresignRequest
from valetkey.services.vending.vending import ROUNDS, PreparedVend, Vended, Vending, unsettled

__all__ = [
    "ROUNDS",
    "PreparedVend",
    "PresignRequest",
    "Presigned",
    "Presigning",
    "VendRequest",
    "Vended",
    "Vending",
    "unsettled",
]
