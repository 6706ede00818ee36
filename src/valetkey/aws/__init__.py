"""AWS and S3 behind the domain's ports; nothing of botocore or httpx2 goes beyond them."""
