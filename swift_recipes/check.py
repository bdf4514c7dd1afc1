"""A recipe checked: by ms-swift's own argument classes, then by our rules."""

import logging
import os

from ordebug.swift_recipes.catalogue import Recipe


def problems(recipe: Recipe) -> list[str]:
    """What is wrong with a recipe, one sentence each; none when it may be run.

    Raises:
        ToolError: If ms-swift is not installed.
    """
    quiet_imports()
    from ordebug.swift_recipes.arguments import argument_problems, template_thinks
    from ordebug.swift_recipes.rules import rule_problems

    thinks = template_thinks(recipe.values.get("template"))
    return [*argument_problems(recipe), *rule_problems(recipe, thinks)]


def quiet_imports() -> None:
    """Keeps ms-swift and bitsandbytes from telling on import what they registered or would run faster with."""
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
