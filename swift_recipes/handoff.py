"""What must fit together before GRPO samples anything: problem sets, the adapter's model, training's limits."""

from pathlib import Path

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_json
from ordebug.env.problem_set import read_problem_set, shared_bases
from ordebug.eval.adapter import ADAPTER
from ordebug.swift_recipes.model_names import is_local, same_model
from ordebug.swift_recipes.training_run import TrainingRun

LIMITS = ("response_length", "max_new_tokens", "max_completion_length")
"""What ms-swift 4.6.0 takes the limit of a reply from, the first that is given (``_init_max_completion_length``)."""

DEFAULT_LIMIT = "512"
DEFAULT_BETA = "0.04"
"""ms-swift's own, of GRPO."""


def require_disjoint(problems: Path, unseen: Path) -> None:
    """Refuses two sets with a clean model in common.

    Raises:
        InputError: If one is no problem set.
        UsageError: If they share one.
    """
    shared = shared_bases(read_problem_set(problems), read_problem_set(unseen))
    if shared:
        raise UsageError(
            f"{unseen} is not unseen: {len(shared)} of its clean models are also in {problems}.",
            "Give problems of another seed: ordebug problems generate --seed N",
        )


def reply_limit(run: TrainingRun) -> int:
    """Tokens that a reply may have in training.

    Raises:
        UsageError: If that is no number.
    """
    given = [run.value(key, "") for key in LIMITS]
    found = next((value for value in given if value and value != "0"), DEFAULT_LIMIT)
    if not found.isdecimal():
        raise UsageError(f"max_completion_length is {found!r}.", "Give a whole number.")
    return int(found)


def uses_reference(run: TrainingRun) -> bool:
    """Whether there is a KL term, for which a reference model must be kept.

    Raises:
        UsageError: If beta is no number.
    """
    beta = run.value("beta", DEFAULT_BETA)
    try:
        return float(beta) != 0
    except ValueError:
        raise UsageError(f"beta is {beta!r}.", "Give a number.") from None


def base_model(checkpoint: Path, run: TrainingRun) -> str:
    """The model that a checkpoint's adapter belongs on, by a name that leads to it here; empty for a whole model.

    Where the training names a model too, by its path or by its name on a hub, it must be the same one.

    Raises:
        InputError: If the adapter names no model.
        UsageError: If it was made for another one than the training names, or none of the names leads anywhere.
    """
    if not (checkpoint / ADAPTER).is_file():
        return ""
    found = read_json(checkpoint / ADAPTER, "an adapter's settings")
    base = found.get("base_model_name_or_path") if isinstance(found, dict) else None
    if not isinstance(base, str) or not base:
        raise InputError(f"{checkpoint / ADAPTER} names no base model.", "Give a LoRA adapter.")
    named = run.value("model", "")
    here = Path(base).is_dir()
    if same_model(base, named):
        return base if here else named
    if here and "--model" not in run.words:
        return base  # the recipe names what is usual, the adapter what it was made for
    if not named and not is_local(base):
        return base
    if not named:
        raise UsageError(
            f"{checkpoint} is an adapter of {base}, which is not here.",
            "Say where it is: -- --model DIR, a folder of that name.",
        )
    raise UsageError(
        f"{checkpoint} is an adapter of {base}, and the training names {named}.",
        "Give -- --model with the adapter's own model, or correct base_model_name_or_path in its adapter_config.json.",
    )
