"""Recipes for ms-swift, and the only folder that knows ms-swift and torch."""
