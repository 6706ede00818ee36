"""The REST API: routes parse and answer, services decide and do."""
