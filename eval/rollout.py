"""A whole run: its policy and the anchors on the same problems, then the numbers. A stopped run goes on."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.core.errors import UsageError, existing_file
from ordebug.core.parallel import Executor
from ordebug.env.policies import ANCHORS
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.eval.anchors import play_anchors
from ordebug.eval.attempt import Setting
from ordebug.eval.endpoint.episodes import play_endpoint
from ordebug.eval.endpoint.served import served_model
from ordebug.eval.endpoint.settings import Endpoint
from ordebug.eval.rounds import play_swift_infer
from ordebug.eval.run_folder import RunFolder
from ordebug.eval.run_manifest import run_manifest
from ordebug.eval.summary import summarise
from ordebug.eval.swift_infer import SwiftInfer

SWIFT_INFER = "swift-infer"
ENDPOINT = "endpoint"
MODELS = (SWIFT_INFER, ENDPOINT)


@dataclass(frozen=True)
class Rollout:
    """What to play.

    Attributes:
        policy: An anchor's name, ``swift-infer`` or ``endpoint``.
        problems: Folder of the problem set.
        out: The run's folder.
        setting: What the policies meet.
        swift: How ``swift infer`` is called, for that policy.
        endpoint: The served model, for that policy.
        seed: What anchors and the seeds of requests are drawn from.
        samples: Attempts at each problem.
        limit: Only so many problems, drawn at random.
        workers: Processes; no result depends on it.
        executor: Where the anchors are played; likewise.
        alone: Whether an anchor is played without the others beside, to make training data.
    """

    policy: str
    problems: Path
    out: Path
    setting: Setting
    swift: SwiftInfer | None = None
    endpoint: Endpoint | None = None
    seed: int = 0
    samples: int = 1
    limit: int | None = None
    workers: int = 1
    executor: Executor = "local"
    alone: bool = False


def rollout(request: Rollout) -> dict[str, Any]:
    """Plays what is still missing and returns the content of ``metrics.json``.

    Raises:
        UsageError: If the policy is not known, the folder holds a run of other settings, or another process is in it.
        LicenceError: If the solver has no licence.
        ToolError: If ``swift infer`` is missing or failed, or the endpoint does not answer.
    """
    _check(request)
    problems = read_problem_set(request.problems).draw(request.limit, request.seed)
    run = RunFolder(request.out)
    with run.open(_manifest(request, problems)):
        _play(request, run, problems)
        return summarise(run, problems, request.setting, samples=request.samples)


def _check(request: Rollout) -> None:
    policies = (*ANCHORS, *MODELS)
    if request.policy not in policies:
        raise UsageError(f"there is no policy {request.policy!r}.", f"Choose one of {', '.join(policies)}.")
    if request.policy == SWIFT_INFER and request.swift is None:
        raise _needs_a_model()
    if request.policy == ENDPOINT and request.endpoint is None:
        raise _needs_an_address()
    if request.policy in MODELS and request.alone:
        raise UsageError("a model is never shown without the anchors.", "Leave out --alone.")


def _play(request: Rollout, run: RunFolder, problems: ProblemSet) -> None:
    samples, workers = request.samples, request.workers
    if request.swift is not None:
        play_swift_infer(
            run, problems, request.setting, request.swift, policy=request.policy, samples=samples, workers=workers
        )
    if request.endpoint is not None:
        play_endpoint(
            run,
            problems,
            request.setting,
            request.endpoint,
            policy=request.policy,
            samples=samples,
            seed=request.seed,
            workers=workers,
        )
    play_anchors(
        run,
        problems,
        request.setting,
        policy=None if request.policy in MODELS else request.policy,
        samples=samples,
        seed=request.seed,
        workers=workers,
        beside=not request.alone,
        executor=request.executor,
    )


def configuration(policy: str, problems: Path, setting: Setting) -> dict[str, Any]:
    """The part of a manifest's ``config`` that every kind of run has."""
    return {
        "policy": policy,
        "profile": setting.profile,
        "actions": setting.actions,
        "max_steps": setting.rules.max_steps,
        "max_prompt_tokens": setting.max_prompt_tokens,
        "auto_submit": setting.rules.auto_submit,
        "solver": setting.rules.solver,
        "problems": str(problems),
    }


def _manifest(request: Rollout, problems: ProblemSet) -> dict[str, Any]:
    config = configuration(request.policy, request.problems, request.setting)
    config |= {"seed": request.seed, "samples": request.samples, "limit": request.limit}
    if request.endpoint is not None:
        return _endpoint_manifest(config, problems, request.endpoint)
    if request.swift is None:
        return run_manifest(config, problems, {})
    config |= {"model": request.swift.model, "recipe": str(request.swift.recipe)}
    config |= {"infer_arguments": list(request.swift.arguments)} if request.swift.arguments else {}
    return run_manifest(config, problems, {"recipe": request.swift.recipe}, request.swift.model)


def _endpoint_manifest(config: dict[str, Any], problems: ProblemSet, endpoint: Endpoint) -> dict[str, Any]:
    """Weights that lie on this machine count by their content, others by where the server says they lie."""
    served = served_model(endpoint)
    root = served.get("root")
    local = isinstance(root, str) and Path(root).is_dir()
    config |= endpoint.config | ({} if local else {"served_root": root})
    found = run_manifest(config, problems, {}, root if local else None)
    return found | {"endpoint": {"base_url": endpoint.base_url, "served": served}}


def swift_for(policy: str, model: str | None, recipe: Path | None, arguments: Sequence[str]) -> SwiftInfer | None:
    """How ``swift infer`` is called, None for a policy that needs no model.

    Args:
        policy: The policy.
        model: Its checkpoint, adapter or model id.
        recipe: YAML for ``swift infer``.
        arguments: Further arguments, each text split as a shell would, such as ``--max_batch_size 8``.

    Raises:
        UsageError: If the options do not fit the policy.
    """
    if policy != SWIFT_INFER:
        if (model and policy != ENDPOINT) or recipe or arguments:
            raise UsageError(
                f"--model, --recipe and --infer-arg have no meaning for the policy {policy!r}.",
                "Leave them out, or give --policy swift-infer.",
            )
        return None
    if model is None or recipe is None:
        raise _needs_a_model()
    existing_file(recipe, "a recipe for swift infer")
    try:
        parts = tuple(part for text in arguments for part in shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--infer-arg cannot be read ({error}).", "Quote it as a shell would.") from None
    swift = SwiftInfer(model, recipe, parts)
    swift.check()
    return swift


def endpoint_for(policy: str, base_url: str | None, model: str | None, **settings: Any) -> Endpoint | None:
    """The served model, None for a policy that asks none.

    Args:
        policy: The policy.
        base_url: Where it is served.
        model: The name it is served under.
        **settings: The other attributes of ``Endpoint``.

    Raises:
        UsageError: If the options do not fit the policy.
    """
    if policy != ENDPOINT:
        if base_url:
            raise UsageError(
                f"--base-url has no meaning for the policy {policy!r}.", "Leave it out, or give --policy endpoint."
            )
        return None
    if base_url is None or model is None:
        raise _needs_an_address()
    return Endpoint(base_url, model, **settings)


def _needs_an_address() -> UsageError:
    return UsageError("endpoint needs an address and a model.", "Give --base-url URL and --model NAME.")


def _needs_a_model() -> UsageError:
    return UsageError("swift-infer needs a model and a recipe.", "Give --model DIR and --recipe FILE.yaml.")
