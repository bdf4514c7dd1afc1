"""What fine-tuning cost elsewhere: EvalScope's general benchmarks before and after it, paired by question.

A panel (``panel.yaml``) states what is asked. ``evaluation`` runs EvalScope, a program of an environment of its own,
against a served model; ``answers`` reads the files it leaves; ``comparison`` pairs them; ``result`` and ``terminal``
keep and show them. ``shell/forgetting.sh`` is the whole of it.
"""
