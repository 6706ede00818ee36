"""Valetkey: short-lived, narrowly scoped, audited S3 credentials from one AWS STS integration."""
