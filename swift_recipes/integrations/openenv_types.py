"""What an OpenEnv session sends and gets."""

from openenv.core.env_server.types import Action, Observation, State
from pydantic import Field, field_validator

from ordebug.env.renderer import Message


class RepairAction(Action):  # type: ignore[misc]
    """One decision, as a policy wrote it.

    One field is required, so that clients which know the schema alone can send a model's bare text.

    Attributes:
        reply: The whole reply, thought included; a tool call in Qwen's form counts too. What cannot be read costs a
            step.
        truncated: Whether it was cut off by its token limit.
    """

    reply: str = Field(description="The policy's reply: a thought, then 'Action: NAME(arg, ...)' on a line of its own.")
    truncated: bool = Field(default=False, description="Whether the reply was cut off by its token limit.")

    @field_validator("reply", mode="before")
    @classmethod
    def _encodable(cls, reply: object) -> object:
        """Half a surrogate pair, which JSON can spell and UTF-8 cannot, is a question mark."""
        return reply.encode("utf-8", "replace").decode() if isinstance(reply, str) else reply


class RepairObservation(Observation):  # type: ignore[misc]
    """The state after a decision; the answer is nowhere in it.

    ``reward`` is None at the start; the rewards of an episode sum to its return. After a decision ``metadata`` holds
    ``action`` (canonical text or None), ``outcome``, ``status`` and ``stop``, at the end ``objective`` and ``terms``.

    Attributes:
        messages: The next prompt, system and user, which shows the whole state.
    """

    messages: list[Message] = Field(default_factory=list, description="The prompt of the next decision.")


class RepairState(State):  # type: ignore[misc]
    """Where a session stands.

    Attributes:
        problem_id: The problem being repaired, None before the first reset.
    """

    problem_id: str | None = None
