"""Episodes run, scored and reported."""
