"""The JSON shapes of the API: what comes in is strict, what goes out is listed field by field."""
