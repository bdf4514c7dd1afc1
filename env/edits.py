"""Actions carried out on a model: names found, edits made."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ordebug.core.errors import InputError
from ordebug.env.action import SPECS, VARIABLE, Action, InvalidAction, Parameter
from ordebug.env.renderer import safe
from ordebug.env.reply import parse_action
from ordebug.env.solvers.model import Model

LOOSENING = ("DROP_CONSTRAINT", "RELAX_CONSTRAINT", "UPDATE_RHS")


class Named(Protocol):
    """A model, or what is known of one."""

    @property
    def row_names(self) -> tuple[str, ...]:
        """Every row."""

    @property
    def variable_names(self) -> tuple[str, ...]:
        """Every variable."""


def resolve(action: Action, model: Named, protected: Sequence[str] = ()) -> list[Any] | InvalidAction:
    """The arguments with names as the model has them; prompts show names made safe (``renderer.safe``)."""
    arguments: list[Any] = list(action.args)
    for place, parameter in enumerate(SPECS[action.name].parameters[: len(arguments)]):
        if parameter not in (Parameter.ROW, VARIABLE):
            continue
        names = model.variable_names if parameter is VARIABLE else model.row_names
        found = _named(str(arguments[place]), names)
        if found is None:
            return InvalidAction("unknown_target", f"there is no {arguments[place]!r}")
        arguments[place] = found
    if action.name in LOOSENING and arguments[0] in protected:
        return InvalidAction("protected", f"{arguments[0]} may not be dropped or relaxed")
    return arguments


def apply_edit(model: Model, name: str, arguments: Sequence[Any], *, published: bool = False) -> InvalidAction | None:
    """Makes one edit; returns why not where the model refuses it.

    Args:
        model: The model, changed in place.
        name: An editing action.
        arguments: From ``resolve``.
        published: Whether RELAX shifts an equality, as the published environment does.
    """
    relax = model.shift if published else model.relax
    edits: dict[str, Callable[..., bool | None]] = {
        "DROP_CONSTRAINT": model.drop,
        "RELAX_CONSTRAINT": relax,
        "UPDATE_RHS": model.set_rhs,
        "UPDATE_BOUNDS": model.set_bounds,
        "SET_COEFFICIENT": model.set_coefficient,
        "SET_TYPE": model.set_type,
        "FLIP_SENSE": model.flip,
    }
    if edits[name](*arguments) is False:
        return InvalidAction("bad_arguments", f"{arguments[0]} is an equality and has no sense to flip")
    return None


def apply_repair(model: Model, repair: Sequence[str], problem_id: str) -> None:
    """Carries out a problem's stored repair.

    Raises:
        InputError: If an entry is not an edit of something the model has.
    """
    for text in repair:
        action = parse_action(text, "extended")
        arguments = resolve(action, model) if isinstance(action, Action) else action
        if isinstance(action, InvalidAction) or isinstance(arguments, InvalidAction) or not action.edits:
            raise InputError(f"problem {problem_id!r}: its repair {text!r} cannot be applied.", "Generate it again.")
        apply_edit(model, action.name, arguments)


def _named(name: str, names: Sequence[str]) -> str | None:
    """The model's name that was meant: as written, or as prompts show it."""
    if name in names:
        return name
    meant = [candidate for candidate in names if safe(candidate) == name]
    return meant[0] if len(meant) == 1 else None
