"""The OpenEnv server: OpenEnv's own routes and sessions around our environment."""

import socket
from functools import partial

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from openenv.core.env_server.http_server import create_app

from ordebug.converters.env_config import EnvConfig
from ordebug.core.errors import OrdebugError, SolverError, UsageError
from ordebug.env.problem_set import read_problem_set
from ordebug.swift_recipes.grpo.judges import Judges
from ordebug.swift_recipes.integrations.openenv_environment import RepairEnvironment
from ordebug.swift_recipes.integrations.openenv_types import RepairAction, RepairObservation, RepairState


def application(config: EnvConfig, judges: Judges, sessions: int) -> FastAPI:
    """The application.

    Args:
        config: Where the problems lie, and what prompts and episodes are like.
        judges: Who judges.
        sessions: At most so many at once; another one is refused, with the reason.

    Raises:
        InputError: If the folder holds no problem set.
    """
    app: FastAPI = create_app(
        partial(RepairEnvironment, read_problem_set(config.problems), config, judges),
        RepairAction,
        RepairObservation,
        env_name="ordebug",
        max_concurrent_envs=sessions,
        state_cls=RepairState,
    )
    app.add_exception_handler(OrdebugError, _told)
    return app


def serve(config: EnvConfig, *, host: str, port: int, workers: int, sessions: int) -> None:
    """Serves until it is stopped, and says where once it listens.

    Args:
        config: Where the problems lie, and what prompts and episodes are like.
        host: The address to listen at.
        port: Its port; 0 takes a free one.
        workers: Processes that judge.
        sessions: At most so many at once.

    Raises:
        InputError: If the folder holds no problem set.
        UsageError: If the address cannot be had.
    """
    judges = Judges(workers)
    app = application(config, judges, sessions)
    try:
        listener = socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        raise UsageError(f"{host}, port {port}: {error}.", "Give another --port or --host.") from None
    print(f"Listening at http://{host}:{listener.getsockname()[1]}; Ctrl-C ends it.", flush=True)
    try:
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
    finally:
        judges.close()


async def _told(request: Request, error: Exception) -> JSONResponse:
    """What the client must change is its fault, a solver's failure is ours."""
    return JSONResponse({"detail": str(error)}, status_code=503 if isinstance(error, SolverError) else 422)
