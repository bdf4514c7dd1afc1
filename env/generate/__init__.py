"""Broken models made to order, every claim about them proved by the solver."""
