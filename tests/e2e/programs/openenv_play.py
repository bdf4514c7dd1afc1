"""Plays episodes on an OpenEnv server, all at once, each in a session of its own; runs in OpenEnv's environment.

usage: openenv_play.py JOB OUT. JOB holds ``url``, ``episodes`` (``reset`` and ``replies``), ``raw`` (messages of one
bare WebSocket) and ``sessions`` (how many there may be).
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from openenv import GenericEnvClient
from websockets.asyncio.client import connect

from ordebug.swift_recipes.integrations.openenv_client import RepairClient
from ordebug.swift_recipes.integrations.openenv_types import RepairAction


async def typed(url: str, episode: dict[str, Any]) -> dict[str, Any]:
    """An episode through our client; between its steps the others go on."""
    async with RepairClient(base_url=url) as client:
        results = [await client.reset(**episode["reset"])]
        for reply in episode["replies"]:
            results.append(await client.step(RepairAction(reply=reply)))
        state = await client.state()
    steps = [
        {
            "messages": result.observation.messages,
            "reward": result.reward,
            "done": result.done,
            "metadata": result.observation.metadata,
        }
        for result in results
    ]
    return {"steps": steps, "state": state.model_dump()}


def generic(url: str, episode: dict[str, Any]) -> list[Any]:
    """The same through OpenEnv's own client, which knows nothing of ours: the observations."""
    with GenericEnvClient(base_url=url).sync() as client:
        results = [client.reset(**episode["reset"])]
        results += [client.step({"reply": reply}) for reply in episode["replies"]]
    return [result.observation["messages"] for result in results]


async def raw(url: str, messages: list[str]) -> list[Any]:
    """What the server answers to bare messages of one session."""
    async with connect(f"{url.replace('http', 'ws', 1)}/ws") as socket:
        answers = []
        for message in messages:
            await socket.send(message)
            answers.append(json.loads(await socket.recv()))
        return answers


async def one_too_many(url: str, sessions: int) -> Any:
    """What the server says to a session more than there may be."""
    clients = [GenericEnvClient(base_url=url) for _ in range(sessions)]
    try:
        for client in clients:
            await client.reset(seed=0)
        async with connect(f"{url.replace('http', 'ws', 1)}/ws") as socket:
            return json.loads(await socket.recv())
    finally:
        for client in clients:
            await client.close()


async def play(job: dict[str, Any]) -> dict[str, Any]:
    url = job["url"]
    found: dict[str, Any] = {"typed": await asyncio.gather(*(typed(url, episode) for episode in job["episodes"]))}
    if job.get("raw"):
        found["raw"] = await raw(url, job["raw"])
        found["one_too_many"] = await one_too_many(url, job["sessions"])
    return found


def main(job: Path, out: Path) -> None:
    asked = json.loads(job.read_text())
    found = asyncio.run(play(asked))
    found["generic"] = generic(asked["url"], asked["episodes"][0])
    out.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
