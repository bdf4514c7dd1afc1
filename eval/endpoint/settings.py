"""What is asked of an endpoint, and within which limits."""

import math
import os
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from ordebug.core.errors import UsageError
from ordebug.core.manifest import sha256_text

KEY_VARIABLE = "OPENAI_API_KEY"
NO_KEY = "EMPTY"
"""What servers of one's own take: they check no key, and the client must send one."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Sampling:
    """How replies are drawn; the defaults are Qwen3's own advice for thinking, which warns of greedy decoding.

    Attributes:
        temperature: 0 is greedy.
        top_p: Nucleus.
        top_k: Tokens to choose from; 0 is not sent, for services that do not know it.
        max_new_tokens: Limit of a reply, as in the recipes.
    """

    temperature: float = 0.6
    top_p: float = 0.95
    top_k: int = 20
    max_new_tokens: int = 4096

    @property
    def arguments(self) -> dict[str, Any]:
        """As arguments of a chat completion."""
        given: dict[str, Any] = {"temperature": self.temperature, "max_tokens": self.max_new_tokens}
        if self.temperature:
            given |= {"top_p": self.top_p} | ({"extra_body": {"top_k": self.top_k}} if self.top_k else {})
        return given


@dataclass(frozen=True)
class Limits:
    """What may be asked of a service that is shared or paid.

    Attributes:
        requests_per_minute: Requests a minute, tries that fail among them.
        max_cost: What the run may cost altogether, in the prices' currency.
        input_price: Price of a million prompt tokens.
        output_price: Price of a million tokens of replies.
    """

    requests_per_minute: float | None = None
    max_cost: float | None = None
    input_price: float = 0.0
    output_price: float = 0.0

    def cost(self, prompt_tokens: int, tokens: int) -> float:
        """What a request costs."""
        return (prompt_tokens * self.input_price + tokens * self.output_price) / 1e6


@dataclass(frozen=True)
class Endpoint:
    """A served model.

    Attributes:
        base_url: Where it is served; it mostly ends with ``/v1``.
        model: The name it is served under.
        sampling: How replies are drawn.
        limits: What may be asked.
        concurrency: Episodes in flight.
        timeout: Seconds a single try may take.
        patience: Seconds after which a request that keeps failing is given up.

    Raises:
        UsageError: If the address, a number or the prices cannot be meant.
    """

    base_url: str
    model: str
    sampling: Sampling = Sampling()
    limits: Limits = Limits()
    concurrency: int = 32
    timeout: float = 600.0
    patience: float = 120.0

    def __post_init__(self) -> None:
        """Checks what was given."""
        _check_url(self.base_url)
        numbers = asdict(self.sampling) | asdict(self.limits) | {"timeout": self.timeout, "patience": self.patience}
        odd = [name for name, value in numbers.items() if value is not None and not math.isfinite(value)]
        if odd:
            raise UsageError(f"{', '.join(odd)} must be a finite number.", "Leave out what shall not be limited.")
        if self.limits.max_cost is not None and not (self.limits.input_price or self.limits.output_price):
            raise UsageError(
                "a limit of cost needs prices.", "Give --input-price and --output-price, per million tokens."
            )

    @property
    def key(self) -> str:
        """The key, from the environment alone: a command line is seen by others and recorded."""
        return os.environ.get(KEY_VARIABLE) or NO_KEY

    @property
    def local(self) -> bool:
        """Whether it is served on this machine: then no proxy stands between."""
        return urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def config(self) -> dict[str, Any]:
        """The part of it that decides the replies."""
        return {"model": self.model, **asdict(self.sampling)}


def request_seed(seed: int, problem_id: str, sample: int, step: int) -> int:
    """The seed of one request: of the episode and the step alone, not of the order in which they are played."""
    return int(sha256_text(f"{seed}/{problem_id}/{sample}/{step}")[:8], 16) >> 1


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        understood = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        understood, parts = False, urlsplit("")
    if not understood:
        raise UsageError(f"--base-url {url!r} is no address.", "Give one such as http://127.0.0.1:8000/v1.")
    if parts.username or parts.password:
        raise UsageError("--base-url holds a name or a password.", f"Put the key into {KEY_VARIABLE} instead.")
