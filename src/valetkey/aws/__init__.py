"""botocore and obstore behind the domain's ports; nothing of theirs escapes."""
