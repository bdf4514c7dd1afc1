"""SFT rows for other frameworks, with the settings under which each keeps ``<think>``."""
