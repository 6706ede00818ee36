"""The AWS stand-in of the demo and of the tests: MiniStack behind a guard. A test double."""

from valetkey.embedded.faults import Fault, FaultKind
from valetkey.embedded.requests import StandInCall
from valetkey.embedded.server import EmbeddedAws

__all__ = ["EmbeddedAws", "Fault", "FaultKind", "StandInCall"]
