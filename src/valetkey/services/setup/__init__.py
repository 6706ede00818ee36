"""`valetkey setup aws`: plan, apply, verify and take down the AWS side, on the administrator's
machine and with the administrator's own credentials, which are never sent anywhere but AWS."""

from valetkey.services.setup.custody import prove_key
from valetkey.services.setup.progress import Phase, Progress, StepEvent
from valetkey.services.setup.setup import Applied, Setup
from valetkey.services.setup.teardown import Teardown
from valetkey.services.setup.verify import holds, report_of

__all__ = [
    "Applied",
    "Phase",
    "Progress",
    "Setup",
    "StepEvent",
    "Teardown",
    "holds",
    "prove_key",
    "report_of",
]
