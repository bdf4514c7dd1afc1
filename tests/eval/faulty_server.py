"""A server of OpenAI's API on 127.0.0.1 that plays an anchor from the prompt, and fails as it is told to.

python tests/eval/faulty_server.py PORT_FILE

It chooses a port and writes it to PORT_FILE, last. ``POST /plan`` says what it does from then on (``Plan``),
``GET /log`` what it was asked and how long it took. It ends with the process that started it.
"""

import asyncio
import ctypes
import json
import random
import re
import signal
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

ROW = re.compile(r'^\(\d+\) ("(?:[^"\\]|\\.)*"|[^:]+): ', re.MULTILINE)
THOUGHT = "the last row of the conflict"
LOG_KEPT = 50
FAULTS = ("429", "500", "502", "503", "cut", "html", "no_choices", "null_content", "half_json", "abort", "slow")


@dataclass
class Plan:
    """What the server does.

    Attributes:
        share: Share of requests that fail.
        faults: How, drawn at random.
        in_a_row: Most faults in a row for one request, so that every one is answered in the end.
        seconds: Time a reply takes.
        always: The answer to everything, whatever the share: a fault's name, a status or a form of reply.
        reply: What the policy says: an anchor's name, or a text as it is.
        retry_after: Value of that header with 429.
        slow_seconds: What ``slow`` takes.
        models: What is served.
        key: The only key that is taken.
        dies_after: Replies after which the server is gone, None for never.
    """

    share: float = 0.0
    faults: tuple[str, ...] = FAULTS
    in_a_row: int = 3
    seconds: float = 0.0
    always: str = ""
    reply: str = "drop-last"
    retry_after: str = "0.1"
    slow_seconds: float = 5.0
    models: tuple[str, ...] = ("tiny",)
    root: str | None = None
    key: str | None = None
    dies_after: int | None = None


@dataclass
class Log:
    """What the server was asked."""

    counts: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    bodies: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_KEPT))
    keys: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    seconds: float = 0.0


class Server:
    def __init__(self) -> None:
        self.plan, self.log = Plan(), Log()
        self.dice = random.Random(0)
        self.failed: Counter[str] = Counter()

    def set(self, plan: dict[str, Any]) -> None:
        self.plan, self.log, self.failed = Plan(**plan), Log(), Counter()

    async def complete(self, request: Request) -> Response:
        start = time.perf_counter()
        body = await request.json()
        name = request_name(body)
        self.log.counts["requests"] += 1
        self.log.bodies.append(body)
        self.log.keys.add(request.headers.get("authorization", ""))
        self.log.at_once += 1
        self.log.most_at_once = max(self.log.most_at_once, self.log.at_once)
        try:
            answer = await self.answer(name, body)
            self.log.seconds += time.perf_counter() - start
            return answer
        finally:
            self.log.at_once -= 1

    async def answer(self, name: str, body: dict[str, Any]) -> Response:
        if self.plan.dies_after is not None and sum(self.log.answered.values()) >= self.plan.dies_after:
            signal.raise_signal(signal.SIGKILL)
        if self.plan.key is not None and self.log.bodies and f"Bearer {self.plan.key}" not in self.log.keys:
            return error(401, "Incorrect API key provided")
        if body.get("model") not in self.plan.models:
            return error(404, f"The model `{body.get('model')}` does not exist.")
        fault = self.fault(name)
        if fault:
            self.log.counts[fault] += 1
            return await self.failure(fault, body)
        await asyncio.sleep(self.plan.seconds)
        self.log.answered[name] += 1
        return JSONResponse(completion(self.plan.reply, self.plan.always, body))

    def fault(self, name: str) -> str:
        if self.plan.always in FAULTS or self.plan.always.isdecimal():
            return self.plan.always
        if self.failed[name] >= self.plan.in_a_row or self.dice.random() >= self.plan.share:
            self.failed.pop(name, None)
            return ""
        self.failed[name] += 1
        return self.dice.choice(self.plan.faults)

    async def failure(self, fault: str, body: dict[str, Any]) -> Response:
        if fault == "slow":
            await asyncio.sleep(self.plan.slow_seconds)
            return error(504, "timed out")
        if fault == "429":
            return error(429, "Too many requests", {"retry-after": self.plan.retry_after})
        if fault.isdecimal():
            return error(int(fault), "\x1b[31mout of order")
        if fault == "html":
            return HTMLResponse("<html><title>Bad gateway</title></html>")
        if fault == "cut":
            return StreamingResponse(cut_off(), media_type="application/json", headers={"content-length": "4096"})
        if fault == "half_json":
            return Response('{"choices": [{"message": {"content": "Action: SU', media_type="application/json")
        found = completion(self.plan.reply, "", body)
        choice = found["choices"][0]
        if fault == "no_choices":
            found["choices"] = []
        elif fault == "null_content":
            choice["message"]["content"] = None
        else:
            choice["finish_reason"] = "abort"
        return JSONResponse(found)


def request_name(body: dict[str, Any]) -> str:
    """What tells requests apart: the same one comes again after a fault."""
    return f"{body.get('seed')} {hash(json.dumps(body.get('messages')))}"


async def cut_off() -> AsyncIterator[bytes]:
    """Less than was promised; uvicorn then closes the connection."""
    yield b'{"choices": [{"message": {"content": "Action: '


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "code": status}}, status, headers=headers)


def action(policy: str, prompt: str) -> str:
    """An anchor's action, read from the prompt."""
    rows = ROW.findall(prompt)
    chosen = {"drop-first": rows[:1], "drop-last": rows[-1:]}[policy]
    return f"DROP_CONSTRAINT({chosen[0]})" if chosen else "SUBMIT()"


def completion(reply: str, form: str, body: dict[str, Any]) -> dict[str, Any]:
    """An answer, taken apart as the form says: by a reasoning parser, by a tool parser, cut off by its limit."""
    prompt = body["messages"][-1]["content"]
    known = reply in ("drop-first", "drop-last")
    line = f"Action: {action(reply, prompt)}" if known else reply
    message: dict[str, Any] = {"role": "assistant", "content": f"<think>\n{THOUGHT}\n</think>\n\n{line}"}
    finish = "stop"
    if form.startswith("reasoning"):
        message = {"role": "assistant", "content": f"\n\n{line}", form: f"\n{THOUGHT}\n"}
    elif form == "tool":
        row = re.search(r"\((.*)\)", line)
        arguments = json.dumps({"name": json.loads(row[1]) if row[1].startswith('"') else row[1]} if row else {})
        function = {"name": "DROP_CONSTRAINT", "arguments": arguments}
        calls = [{"id": "1", "type": "function", "function": function}]
        message = {"role": "assistant", "content": None, "reasoning_content": THOUGHT, "tool_calls": calls}
        finish = "tool_calls"
    elif form == "length":
        message, finish = {"role": "assistant", "content": "<think>\nso the"}, "length"
    usage = {"prompt_tokens": 100, "completion_tokens": 12, "total_tokens": 112}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": None if form == "no_usage" else usage,
    }


def application(server: Server) -> FastAPI:
    app = FastAPI()

    @app.get("/v1/models")
    async def models() -> Response:
        if server.plan.always in ("404", "401"):
            return error(int(server.plan.always), "no")
        if server.plan.always == "html":
            return HTMLResponse("<html>")
        listed = [{"id": name, "object": "model", "root": server.plan.root} for name in server.plan.models]
        return JSONResponse({"object": "list", "data": listed})

    app.add_api_route("/v1/chat/completions", server.complete, methods=["POST"])

    @app.post("/plan")
    async def plan(request: Request) -> Response:
        server.set(await request.json())
        return JSONResponse({})

    @app.get("/log")
    async def log() -> Response:
        found = server.log
        return JSONResponse(
            {
                "counts": found.counts,
                "answered": list(found.answered.values()),
                "bodies": list(found.bodies),
                "keys": sorted(found.keys),
                "most_at_once": found.most_at_once,
                "seconds": found.seconds,
            }
        )

    return app


def main() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with whoever started it
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(256)
    partial = Path(f"{sys.argv[1]}.partial")
    partial.write_text(str(listening.getsockname()[1]))
    partial.replace(sys.argv[1])
    config = uvicorn.Config(application(Server()), log_level="critical", access_log=False, timeout_keep_alive=60)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
