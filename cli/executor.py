"""The option that several commands share: where their work is done."""

from typing import Annotated, Literal

import typer

ExecutorOption = Annotated[
    Literal["local", "ray"], typer.Option("--executor", help="ray: on the cluster of RAY_ADDRESS, or one started here.")
]
