"""Files in, ms-swift JSONL out."""
