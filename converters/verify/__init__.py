"""Rows replayed on their problems: what the solver says of each one's prompt and action."""
