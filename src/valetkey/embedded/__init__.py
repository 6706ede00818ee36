"""The AWS stand-in of the demo and of the tests: MiniStack behind a guard. A test double."""

from valetkey.embedded.faults import Fault, Kind
from valetkey.embedded.requests import Call
from valetkey.embedded.server import EmbeddedAws

__all__ = ["Call", "EmbeddedAws", "Fault", "Kind"]
