"""Lists of items as files: ordered, written by a worker, fetched for a while.

``exports`` takes orders and hands files out; ``writing`` is what a worker does.
"""

from valetkey.catalog.services.exports.exports import ExportFile, ExportGone, Exports
from valetkey.catalog.services.exports.writing import ExportForm, ExportRuns, Forms

__all__ = ["ExportFile", "ExportForm", "ExportGone", "ExportRuns", "Exports", "Forms"]
