"""SFT rows for other frameworks: each file describes one framework."""
