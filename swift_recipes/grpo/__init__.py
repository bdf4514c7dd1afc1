"""What ms-swift's GRPO needs of us: reward functions, the gym environment, a scheduler; ``plugin/`` registers them.

This module and ``decision.py`` import neither ms-swift nor torch: worker processes that judge import only those.
"""
