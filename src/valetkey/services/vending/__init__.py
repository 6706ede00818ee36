"""Vending: one decision, at most one AssumeRole, one durable record.

``location_context`` is what is known of a location, ``authorization`` decides, ``issuing`` calls
STS, ``session_cache`` keeps what came of it; ``vending`` puts them in order, ``presigning`` makes
URLs.
"""

from valetkey.services.vending.authorization import VendRequest
from valetkey.services.vending.presigning import Presigned, Presigning, PresignRequest
from valetkey.services.vending.rounds import rounds, unsettled
from valetkey.services.vending.vending import PreparedVend, Vended, Vending

__all__ = [
    "PreparedVend",
    "PresignRequest",
    "Presigned",
    "Presigning",
    "VendRequest",
    "Vended",
    "Vending",
    "rounds",
    "unsettled",
]
