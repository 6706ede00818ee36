"""JSON as Dataloop's SDK writes and reads it."""
