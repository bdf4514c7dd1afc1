"""``ordebug serve-env``: the environment as an OpenEnv server, for trainers other than ms-swift."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer


def serve_env(
    problems: Annotated[Path, typer.Option(help="A problem set.")],
    host: Annotated[str, typer.Option(help="Address to listen at; whoever reaches it may play.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one and says which.")] = 8000,
    profile: Annotated[str, typer.Option(help="What prompts show: seed, names or algebra.")] = "algebra",
    actions: Annotated[str, typer.Option(help="Action set: core, extended or compat.")] = "core",
    max_steps: Annotated[int, typer.Option(min=1, help="Decisions an episode may take.")] = 20,
    max_prompt_tokens: Annotated[int, typer.Option(min=1, help="Budget of a prompt.")] = 2048,
    no_auto_submit: Annotated[bool, typer.Option("--no-auto-submit", help="Only SUBMIT() ends an episode.")] = False,
    solver: Annotated[str, typer.Option(help="auto, gurobi or highs; auto: Gurobi where licensed.")] = "auto",
    sessions: Annotated[int, typer.Option(min=1, help="At most so many at once.")] = 256,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that solve; by default every core.")] = None,
) -> None:
    """Serve the environment over OpenEnv, which TRL, verifiers and others speak; needs the extra openenv."""
    from ordebug.cli.options import checked_actions, checked_profile, checked_solver
    from ordebug.converters.env_config import EnvConfig
    from ordebug.core.errors import ToolError
    from ordebug.core.parallel import default_workers

    config = EnvConfig(
        problems=problems.absolute(),
        profile=checked_profile(profile),
        actions=checked_actions(actions),
        max_steps=max_steps,
        max_prompt_tokens=max_prompt_tokens,
        auto_submit=not no_auto_submit,
        solver=checked_solver(solver),
    )
    if find_spec("openenv") is None:
        raise ToolError(
            "OpenEnv is not installed.", "pip install 'ordebug[openenv]', or bash shell/setup_integrations.sh"
        )
    from ordebug.swift_recipes.integrations.openenv_server import serve

    serve(config, host=host, port=port, workers=workers or default_workers(), sessions=sessions)
