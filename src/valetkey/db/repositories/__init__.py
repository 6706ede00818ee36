"""The ports' repositories over SQLAlchemy Core, a module per subject."""
