"""The environment for trainers other than ms-swift: an OpenEnv server and client, and tools for TRL.

None of it imports ms-swift or torch. Replies are judged by ``grpo/decision.py``, as in training with ms-swift.
"""
