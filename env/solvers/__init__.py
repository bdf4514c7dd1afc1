"""Solvers behind one interface; Gurobi is the judge."""
