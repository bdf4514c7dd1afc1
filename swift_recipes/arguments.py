"""Recipes against ms-swift's own argument classes and registries, on any machine.

Only ``__post_init__`` is left out: it would look for the model's files and the GPUs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ordebug.core.errors import ToolError
from ordebug.swift_recipes.catalogue import Kind, Recipe, as_words, did_you_mean
from ordebug.swift_recipes.model_names import is_local

CLASSES: dict[Kind, str] = {
    "sft": "SftArguments",
    "infer": "InferArguments",
    "deploy": "DeployArguments",
    "rollout": "RolloutArguments",
    "rlhf": "RLHFArguments",
    "export": "ExportArguments",
}


NO_SUCH = {"Qwen/Qwen3-8B-Instruct": " There is none: the post-trained model is Qwen/Qwen3-8B."}
"""Names that are often asked for, whose nearest neighbour is another kind of model."""


RENAMED = {"train_type": "tuner_type", "metric": "eval_metric", "mcore_adapters": "mcore_adapter"}
"""Arguments of ms-swift 3 and what they are called since 4, where the command has the first no more."""


def renamed_arguments(values: dict[str, Any]) -> Iterator[str]:
    """Arguments that have another name in ms-swift 4."""
    yield from (f"{key}: ms-swift 4 calls it {now}." for key, now in RENAMED.items() if key in values)


def argument_problems(recipe: Recipe) -> Iterator[str]:
    """What ms-swift would refuse, or would find nothing for.

    Raises:
        ToolError: If ms-swift is not installed.
    """
    yield from key_problems(recipe.kind, recipe.values)
    yield from _registry_problems(recipe.values)


def key_problems(kind: Kind, values: dict[str, Any]) -> Iterator[str]:
    """Arguments that a swift command does not have, and values that its parser refuses.

    Raises:
        ToolError: If ms-swift is not installed.
    """
    parser = _parser(kind)
    known = {option.removeprefix("--") for option in parser._option_string_actions if option.startswith("--")} - {
        "help"
    }
    for key, value in values.items():
        if key not in known:  # argparse would take an abbreviation, so a typo may pass
            now = RENAMED.get(key)
            hint = f" ms-swift 4 calls it {now}." if now in known else did_you_mean(key, known)
            yield f"{key}: swift {kind} has no such argument.{hint}"
        elif value is None:
            yield f"{key}: swift reads null as the text None; leave the line out."
        else:
            yield from _value_problems(parser, key, value)


def _value_problems(parser: Any, key: str, value: Any) -> Iterator[str]:
    try:
        parser.parse_args_into_dataclasses([f"--{key}", *as_words(value)])
    except ValueError as error:
        yield f"{key}: {value!r} is refused: {error}"


def _parser(kind: Kind) -> Any:
    """ms-swift's parser of a command, which raises where it would end the program."""
    try:
        import swift.arguments
        from transformers import HfArgumentParser
    except ImportError as error:
        raise ToolError(f"ms-swift cannot be imported: {error}.", "pip install -r requirements/cpu.txt") from None

    class Parser(HfArgumentParser):  # type: ignore[misc]
        def error(self, message: str) -> None:
            raise ValueError(message)

    arguments = getattr(swift.arguments, CLASSES[kind])
    return Parser([type(arguments.__name__, (arguments,), {"__post_init__": lambda self: None})])


def _registry_problems(values: dict[str, Any]) -> Iterator[str]:
    from swift.model import MODEL_MAPPING

    model, model_type, template = (_text(values.get(key)) for key in ("model", "model_type", "template"))
    groups = [group for meta in MODEL_MAPPING.values() for group in meta.model_groups]
    models = {each.hf_model_id for group in groups for each in group.models if each.hf_model_id}
    models |= {each.ms_model_id for group in groups for each in group.models if each.ms_model_id}
    if model is not None and not is_local(model) and model not in models:
        yield f"model: ms-swift knows no {model}.{NO_SUCH.get(model) or did_you_mean(model, models)}"
    if model_type is not None and model_type not in MODEL_MAPPING:
        yield f"model_type: ms-swift knows no {model_type}.{did_you_mean(model_type, MODEL_MAPPING)}"
    yield from _template_problems(model, model_type, template)
    yield from _loss_problems(values.get("loss_scale"))
    yield from _preset_problems(values)


def _text(value: Any) -> str | None:
    return None if value is None else " ".join(as_words(value))


def _template_problems(model: str | None, model_type: str | None, template: str | None) -> Iterator[str]:
    from swift.model import MODEL_MAPPING
    from swift.template import TEMPLATE_MAPPING

    if template is not None and template not in TEMPLATE_MAPPING:
        yield f"template: ms-swift knows no {template}.{did_you_mean(template, TEMPLATE_MAPPING)}"
    meta = MODEL_MAPPING.get(model_type)
    for group in meta.model_groups if model and meta and template in TEMPLATE_MAPPING else ():
        own = group.template or meta.template
        names = {name for each in group.models for name in (each.hf_model_id, each.ms_model_id)}
        if own != template and model in names:
            yield f"template: {model} has the template {own}, not {template}."


def _loss_problems(loss_scale: Any) -> Iterator[str]:
    from swift.loss_scale.base import ALL_BASE_STRATEGY
    from swift.loss_scale.mapping import loss_scale_map

    known = [*ALL_BASE_STRATEGY, *loss_scale_map]
    for part in (_text(loss_scale) or "").split("+") if loss_scale is not None else ():
        if part not in known:
            yield f"loss_scale: ms-swift knows no {part}.{did_you_mean(part, known)}"


def _preset_problems(values: dict[str, Any]) -> Iterator[str]:
    """Values that ms-swift takes as free text and looks up only when it runs."""
    import swift.arguments.base_args.base_args as base

    tuner, zero = values.get("tuner_type"), values.get("deepspeed")
    known = list(base.get_supported_tuners())
    if tuner is not None and tuner not in known and "external_plugins" not in values:
        yield f"tuner_type: ms-swift knows no {tuner}.{did_you_mean(str(tuner), known)}"
    yield from _transformers_problems(values)
    presets = [path.stem for path in (Path(base.__file__).parents[2] / "config").glob("zero*.json")]
    if isinstance(zero, str) and zero not in presets and not Path(zero).is_file() and not zero.startswith("{"):
        yield f"deepspeed: {zero} is no preset of ms-swift and no file.{did_you_mean(zero, presets)}"


def _transformers_problems(values: dict[str, Any]) -> Iterator[str]:
    """Values that Transformers looks up only once the model is loaded."""
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
    from transformers.trainer_utils import SchedulerType

    known = {
        "lr_scheduler_type": [each.value for each in SchedulerType],
        "report_to": [*INTEGRATION_TO_CALLBACK, "all", "none"],
        "attn_impl": [*ALL_ATTENTION_FUNCTIONS.valid_keys(), "eager", "flash_attn"],
    }
    for key, names in known.items():
        for word in as_words(values[key]) if values.get(key) is not None else ():
            if word not in names and not (key == "attn_impl" and "/" in word):  # a kernel of a hub: owner/name
                yield f"{key}: Transformers knows no {word}.{did_you_mean(word, names)}"


def template_thinks(template: Any) -> bool:
    """Whether ms-swift's template of that name is one for thinking."""
    from swift.template import TEMPLATE_MAPPING

    meta = TEMPLATE_MAPPING.get(_text(template))
    return bool(meta and meta.is_thinking)
