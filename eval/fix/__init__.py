"""A person's own infeasible model: a policy proposes, the solver judges."""
