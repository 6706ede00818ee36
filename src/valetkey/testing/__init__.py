"""In-memory ports, shipped for users' tests too."""
