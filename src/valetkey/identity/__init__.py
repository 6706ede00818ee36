"""Who is asking: passwords, sign-ins, browser sessions, API tokens, service accounts, leaving."""
