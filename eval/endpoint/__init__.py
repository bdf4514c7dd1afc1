"""Policy ``endpoint``: a served model plays through an OpenAI-compatible API, many episodes at once."""
