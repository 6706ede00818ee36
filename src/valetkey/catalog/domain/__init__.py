"""The catalog's rules: pure, as the broker's domain is."""
