"""Errors, JSONL, parallel work, progress and provenance: what every other folder stands on."""
