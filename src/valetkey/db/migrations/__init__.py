"""Alembic migrations, shipped with the package so that no checkout is needed to run them."""
