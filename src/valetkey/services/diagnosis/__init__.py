"""Diagnosis with an administrator's credentials: on the administrator's machine, for the moment,
sent to AWS alone and stored nowhere."""

from valetkey.services.diagnosis.diagnosis import Diagnosis, Repair
from valetkey.services.diagnosis.reader import AwsReader

__all__ = ["AwsReader", "Diagnosis", "Repair"]
