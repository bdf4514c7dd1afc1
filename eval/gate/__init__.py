"""Whether a run's model is ready for GRPO: thresholds with reasons, what was measured, and what to do about it."""
