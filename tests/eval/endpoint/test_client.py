import asyncio
import math
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Protocol

import pytest

from ordebug.core.errors import OrdebugError, ToolError, UsageError
from ordebug.eval.attempt import PolicyReply
from ordebug.eval.endpoint import client
from ordebug.eval.endpoint.budget import Budget
from ordebug.eval.endpoint.client import Client
from ordebug.eval.endpoint.faults import UnansweredError, retry_after, shown
from ordebug.eval.endpoint.served import served_model
from ordebug.eval.endpoint.settings import Endpoint, Limits, Sampling, request_seed

PROMPT = [
    {"role": "system", "content": "Repair."},
    {"role": "user", "content": "IIS rows:\n(1) a: x >= 3\n(2) b: x <= 1"},
]
ANSWER = "Action: DROP_CONSTRAINT(b)"
PASSING = ["429", "500", "502", "503", "cut", "html", "no_choices", "null_content", "half_json", "abort"]


class Server(Protocol):
    """``Server`` of conftest.py."""

    url: str
    log: dict[str, Any]

    def plan(self, **what: Any) -> None: ...


def endpoint(server: Server, **changes: Any) -> Endpoint:
    return replace(Endpoint(server.url, "tiny", patience=20.0, timeout=20.0), **changes)


def ask(asked: Endpoint, times: int = 1) -> list[PolicyReply | BaseException]:
    """The same request, one after another."""

    async def all_of_them() -> list[PolicyReply | BaseException]:
        async with Client(asked, Budget(asked.limits)) as found:
            results: list[PolicyReply | BaseException] = []
            for _ in range(times):
                try:
                    results.append(await found.reply(PROMPT, 7))
                except (OrdebugError, UnansweredError) as error:
                    results.append(error)
            return results

    return asyncio.run(all_of_them())


def test_a_request_says_what_is_wanted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    reply = ask(endpoint(server))[0]
    assert isinstance(reply, PolicyReply) and reply.text.endswith(ANSWER)
    assert (reply.tokens, reply.prompt_tokens, reply.truncated) == (12, 100, False)
    log = server.log
    wanted = {"model": "tiny", "messages": PROMPT, "seed": 7, "max_tokens": 4096, "temperature": 0.6, "top_p": 0.95}
    assert log["bodies"] == [wanted | {"top_k": 20}]
    assert log["keys"] == ["Bearer sk-secret"]


@pytest.mark.parametrize(
    ("sampling", "sent"),
    [
        (Sampling(temperature=0.0, max_new_tokens=9), {"temperature": 0.0, "max_tokens": 9}),
        (Sampling(1.0, 1.0, 0, 9), {"temperature": 1.0, "top_p": 1.0, "max_tokens": 9}),
    ],
)
def test_greedy_when_asked_and_nothing_a_service_does_not_know(
    server: Server, sampling: Sampling, sent: dict[str, Any]
) -> None:
    ask(endpoint(server, sampling=sampling))
    assert {k: v for k, v in server.log["bodies"][0].items() if k not in ("model", "messages", "seed")} == sent


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_tried_again(server: Server, fault: str) -> None:
    server.plan(share=1.0, faults=[fault], in_a_row=3)
    reply = ask(endpoint(server))[0]
    assert isinstance(reply, PolicyReply), reply
    assert reply.text.endswith(ANSWER)
    assert server.log["counts"] == {"requests": 4, fault: 3}


def test_what_takes_too_long_is_tried_again(server: Server) -> None:
    server.plan(share=1.0, faults=["slow"], in_a_row=2)
    reply = ask(endpoint(server, timeout=0.3))[0]
    assert isinstance(reply, PolicyReply) and reply.seconds is not None and reply.seconds < 0.3


@pytest.mark.parametrize("fault", [*PASSING, "slow"])
def test_what_does_not_pass_is_given_up(server: Server, fault: str) -> None:
    server.plan(always=fault)
    start = time.monotonic()
    error = ask(endpoint(server, patience=0.3, timeout=0.3))[0]
    assert isinstance(error, UnansweredError) and "tries" in str(error) and "\x1b" not in str(error)
    assert time.monotonic() - start < 5 and server.log["counts"]["requests"] < 40


@pytest.mark.parametrize("status", ["400", "413", "422"])
def test_a_request_that_is_refused_is_not_repeated(server: Server, status: str) -> None:
    server.plan(always=status)
    error = ask(endpoint(server))[0]
    assert isinstance(error, UnansweredError) and f"status {status}: ?[31mout of order" in str(error)
    assert server.log["counts"]["requests"] == 1


def test_a_prompt_that_is_no_text_is_not_repeated(server: Server) -> None:
    async def start() -> None:
        async with Client(endpoint(server), Budget(Limits())) as found:
            await found.reply([{"role": "user", "content": "\ud83d"}], 7)

    with pytest.raises(UnansweredError, match=r"cannot be sent .*tries: 1"):
        asyncio.run(start())


@pytest.mark.parametrize(
    ("status", "says", "fix"),
    [
        ("401", "refuses the key", "OPENAI_API_KEY"),
        ("403", "refuses the key", "OPENAI_API_KEY"),
        ("404", "does not know the path or the model 'tiny'", "--base-url"),
        ("402", "no credit", "it goes on"),
    ],
)
def test_what_fails_for_all_stops_at_once(server: Server, status: str, says: str, fix: str) -> None:
    server.plan(always=status)
    error = ask(endpoint(server))[0]
    assert isinstance(error, OrdebugError) and says in error.message and fix in error.fix
    assert server.log["counts"]["requests"] == 1


def test_many_failures_in_a_row_stop_the_run(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_FAILURES", 3)
    server.plan(always="400")
    *given_up, stopped = ask(endpoint(server), times=3)
    assert all(isinstance(error, UnansweredError) for error in given_up)
    assert isinstance(stopped, ToolError) and "failed at 3 requests in a row" in stopped.message
    assert "out of order" in stopped.message and "same command again" in stopped.fix


def test_a_success_between_failures_counts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_FAILURES", 2)

    async def alternate() -> int:
        async with Client(endpoint(server), Budget(Limits())) as found:
            given_up = 0
            for round_number in range(6):
                server.plan(always="400" if round_number % 2 else "")
                try:
                    await found.reply(PROMPT, 7)
                except UnansweredError:
                    given_up += 1
            return given_up

    assert asyncio.run(alternate()) == 3


def test_the_server_says_how_long_to_wait(server: Server) -> None:
    server.plan(share=1.0, faults=["429"], in_a_row=1, retry_after="0.8")
    start = time.monotonic()
    assert isinstance(ask(endpoint(server))[0], PolicyReply)
    assert time.monotonic() - start >= 0.8


def test_a_wait_beyond_patience_is_not_begun(server: Server) -> None:
    server.plan(always="429", retry_after="3600")
    start = time.monotonic()
    assert isinstance(ask(endpoint(server))[0], UnansweredError)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(("value", "seconds"), [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("soon", None), ("nan", None)])
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}) == seconds
    assert retry_after({}) is None


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert retry_after({"retry-after": later}) == pytest.approx(60, abs=2)
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0


def test_what_a_server_says_controls_no_terminal() -> None:
    assert shown("a\x1b[2J\nb\u202e") == "a?[2J b?"
    assert len(shown("x" * 10_000)) < 400
    assert shown(ValueError()) == "ValueError"


def test_no_proxy_stands_before_this_machine(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert served_model(endpoint(server))["id"] == "tiny"
    assert isinstance(ask(endpoint(server))[0], PolicyReply)


# --- limits ---


def in_parallel(asked: Endpoint, times: int) -> tuple[list[PolicyReply | BaseException], float]:
    async def all_at_once() -> tuple[list[PolicyReply | BaseException], float]:
        budget = Budget(asked.limits)
        async with Client(asked, budget) as found:
            requests = (found.reply(PROMPT, seed) for seed in range(times))
            return await asyncio.gather(*requests, return_exceptions=True), budget.spent

    return asyncio.run(all_at_once())


def test_requests_a_minute(server: Server) -> None:
    start = time.monotonic()
    replies, _ = in_parallel(endpoint(server, limits=Limits(requests_per_minute=300)), 6)
    assert all(isinstance(reply, PolicyReply) for reply in replies)
    assert time.monotonic() - start >= 1.0  # five waits of a fifth of a second
    assert server.log["most_at_once"] <= 2


def test_no_request_is_sent_that_could_cost_too_much(server: Server) -> None:
    server.plan(seconds=0.05)
    # a reply costs 12 units; the most it may cost is 50
    prices = Limits(max_cost=100e-6, output_price=1.0)
    replies, spent = in_parallel(endpoint(server, limits=prices, sampling=Sampling(max_new_tokens=50)), 20)
    stopped = [reply for reply in replies if isinstance(reply, UsageError)]
    assert len(replies) - len(stopped) == server.log["counts"]["requests"] == 5  # 60 spent: 50 more would be too much
    assert spent == pytest.approx(60e-6)
    assert all("--max-cost" in error.fix for error in stopped)


def test_what_earlier_starts_cost_counts(server: Server) -> None:
    limits = Limits(max_cost=1.0, input_price=1e4)

    async def start() -> None:
        async with Client(endpoint(server), Budget(limits, spent=0.99)) as found:
            await found.reply(PROMPT, 7)

    with pytest.raises(UsageError, match=r"--max-cost 1 is reached: 0\.9900 is spent"):
        asyncio.run(start())


def test_a_cost_that_nobody_tells_cannot_be_limited(server: Server) -> None:
    server.plan(always="no_usage")
    error = ask(endpoint(server, limits=Limits(max_cost=1.0, output_price=1.0)))[0]
    assert isinstance(error, ToolError) and "--max-cost" in error.fix
    assert isinstance(ask(endpoint(server))[0], PolicyReply)


# --- settings ---


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000", "ftp://host/v1", "", "http://", "http://host:99999999/v1", "http://[::1"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="is no address") as error:
        Endpoint(url, "tiny")
    assert "/v1" in error.value.fix


def test_no_secret_in_an_address() -> None:
    with pytest.raises(UsageError, match="password") as error:
        Endpoint("http://me:secret@host/v1", "tiny")
    assert "secret" not in str(error.value) and "OPENAI_API_KEY" in error.value.fix


def test_a_limit_of_cost_needs_prices() -> None:
    with pytest.raises(UsageError, match="needs prices"):
        Endpoint("http://host/v1", "tiny", limits=Limits(max_cost=1.0))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_that_limit_nothing_are_refused(number: float) -> None:
    prices = Limits(max_cost=number, input_price=1.0)
    wrong: list[dict[str, Any]] = [{"limits": prices}, {"timeout": number}, {"sampling": Sampling(temperature=number)}]
    for settings in wrong:
        with pytest.raises(UsageError, match="must be a finite number"):
            Endpoint("http://host/v1", "tiny", **settings)


def test_each_request_has_its_own_seed() -> None:
    seeds = [
        request_seed(0, f"p{problem}", sample, step)
        for problem in range(20)
        for sample in range(8)
        for step in range(8)
    ]
    assert len(set(seeds)) == len(seeds) and all(0 <= seed < 2**31 for seed in seeds)
    assert request_seed(0, "p1", 2, 3) == request_seed(0, "p1", 2, 3) != request_seed(1, "p1", 2, 3)
