"""The command valetkey."""
