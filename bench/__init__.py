"""Figures side by side with their yardsticks, measured in the same run."""
