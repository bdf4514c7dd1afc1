"""One episode as it is played: the messages shown, the replies taken, the record at the end."""

import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ordebug.core.errors import InputError, LicenceError, SolverError
from ordebug.env.action import ActionSet
from ordebug.env.episode import Episode, Step, StopReason
from ordebug.env.observation import Observation
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import DEFAULT_PROMPT_TOKENS, Message, Profile, messages_sha256, render
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.reward import Terms


@dataclass(frozen=True)
class Setting:
    """What every policy of a run meets.

    Attributes:
        profile: How much of the state the prompts show.
        rules: What an episode allows.
        max_prompt_tokens: Budget of a prompt.
        decisions: Replies there are for an episode; fewer than the rules' steps where stored replies are scored, whose
            prompts told of all steps.
    """

    profile: Profile = "algebra"
    rules: Rules = Rules()  # noqa: RUF009 (frozen)
    max_prompt_tokens: int = DEFAULT_PROMPT_TOKENS
    decisions: int | None = None

    @property
    def actions(self) -> ActionSet:
        """The action set."""
        return self.rules.actions

    @property
    def horizon(self) -> int:
        """After how many decisions an episode ends."""
        return min(self.rules.max_steps, self.decisions or self.rules.max_steps)

    def environment(self, problem: Problem, folder: Path) -> RepairEnv:
        """The problem's environment; the caller closes it."""
        # The set of one problem: a worker needs no other, and the whole set would be pickled with every item.
        problems = ProblemSet(folder, {problem.problem_id: problem})
        return RepairEnv(problem, problems, replace(self.rules, max_steps=self.horizon))


@dataclass(frozen=True)
class PolicyReply:
    """What a policy wrote, and what is known about how it came.

    Attributes:
        text: The reply.
        tokens: Its length, None where the policy cannot tell.
        truncated: Whether it was cut off by its token limit.
        prompt_tokens: Length of the prompt, None where the policy cannot tell.
        seconds: Wall-clock time until it had come, None where that was not measured.
    """

    text: str
    tokens: int | None = None
    truncated: bool = False
    prompt_tokens: int | None = None
    seconds: float | None = None


class Attempt:
    """An episode in the making; it has ended once ``episode`` is not None.

    Args:
        env: The problem's environment, which is reset.
        setting: What the policy meets.
        policy: Who plays.
        sample: Which of several attempts this is.

    Raises:
        LicenceError: If there is no licence: then nothing at all can be judged.
    """

    def __init__(self, env: RepairEnv, setting: Setting, policy: str, sample: int = 0) -> None:
        self._env, self._setting = env, setting
        self._policy, self._sample = policy, sample
        self._steps: list[Step] = []
        self.episode: Episode | None = None
        try:
            self.observation: Observation | None = self._shown(env.reset()[0])
        except LicenceError:
            raise
        except (SolverError, InputError) as error:
            self.observation = None
            self._end("error", error=error.message)
            return
        if self.observation.status == "OPTIMAL":
            self._end("error", error="the model is feasible as it is: there is nothing to repair")

    @property
    def steps(self) -> Sequence[Step]:
        """The decisions carried out so far."""
        return tuple(self._steps)

    @property
    def state(self) -> Observation:
        """What the next decision is about.

        Raises:
            RuntimeError: If the problem could not even be begun.
        """
        if self.observation is None:
            raise RuntimeError("the episode has no state: it ended in an error")
        return self.observation

    @property
    def messages(self) -> list[Message]:
        """The prompt of the next decision."""
        return render(self.state, self._setting.profile, self._setting.actions, self._setting.max_prompt_tokens)

    def take(self, reply: PolicyReply) -> None:
        """Carries out one decision; a solver that fails ends the episode as ``error``."""
        messages, conflict = self.messages, self.state.conflict
        start = time.perf_counter()
        try:
            observation, _, _, _, info = self._env.step(reply.text, truncated=reply.truncated)
        except LicenceError:
            raise
        except (SolverError, InputError) as error:
            self._end("error", error=error.message)
            return
        self.observation = self._shown(observation)
        self._steps.append(
            Step(
                messages_sha256=messages_sha256(messages),
                reply=reply.text,
                action=info["action"],
                outcome=info["outcome"],
                status=info["status"],
                iis_rows=conflict.rows,
                iis_bounds=tuple(dict.fromkeys(bound.variable for bound in conflict.bounds)),
                tokens=reply.tokens,
                seconds=round(time.perf_counter() - start, 4),
                prompt_tokens=reply.prompt_tokens,
                reply_seconds=reply.seconds,
            )
        )
        if info["stop"] is not None:
            self._end(info["stop"], objective=info["objective"], terms=info["terms"])

    def _shown(self, observation: Observation) -> Observation:
        return replace(observation, steps_left=self._setting.rules.max_steps - len(observation.past))

    def _end(
        self,
        stop: StopReason,
        *,
        objective: float | None = None,
        terms: Terms | None = None,
        error: str | None = None,
    ) -> None:
        self.episode = Episode(
            problem_id=self._env.problem.problem_id,
            base_id=self._env.problem.base_id,
            error_type=self._env.problem.error_type,
            sample=self._sample,
            policy=self._policy,
            steps=tuple(self._steps),
            stop=stop,
            objective=objective,
            reward=terms["total"] if terms else None,
            reward_terms=dict(terms) if terms else None,
            solver=self._env.solver,
            error=error,
        )


@dataclass(frozen=True)
class Replay:
    """The replies so far to one problem, from which any worker process brings the episode to where it is."""

    problem: Problem
    folder: Path
    setting: Setting
    policy: str
    sample: int = 0
    replies: Sequence[PolicyReply] = ()


def replay(item: Replay) -> tuple[list[Message], Episode | None]:
    """Plays stored replies: the prompt of the first or of the next decision, and the episode where it has ended."""
    env = item.setting.environment(item.problem, item.folder)
    try:
        return replayed(env, item)
    finally:
        env.close()


def replayed(env: RepairEnv, item: Replay) -> tuple[list[Message], Episode | None]:
    """The same in an environment of the problem that the caller keeps."""
    attempt = Attempt(env, item.setting, item.policy, item.sample)
    messages = [] if attempt.observation is None else attempt.messages
    for reply in item.replies:
        if attempt.episode is None:
            messages = attempt.messages
            attempt.take(reply)
    if attempt.episode is None:
        messages = attempt.messages
    return messages, attempt.episode


def open_episodes(
    finished: Container[tuple[str, int]], problems: ProblemSet, setting: Setting, policy: str, samples: int
) -> dict[tuple[str, int], Replay]:
    """What is still to be played, by problem and sample, from its beginning."""
    return {
        (problem.problem_id, sample): Replay(problem, problems.folder, setting, policy, sample)
        for problem in problems
        for sample in range(samples)
        if (problem.problem_id, sample) not in finished
    }
