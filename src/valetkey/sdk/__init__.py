"""The client library; it imports nothing else of Valetkey."""
