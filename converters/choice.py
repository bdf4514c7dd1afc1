"""Rejection sampling: which of the recovered episodes become rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from ordebug.converters.replayed import Choice, Replay
from ordebug.env.reward import optimality_preserved


def chosen(replays: Iterable[Replay], choice: Choice, passed_over: Counter[str]) -> list[Replay]:
    """The episodes that are good enough, of each problem the shortest distinct ones, in the order they were read."""
    good: list[Replay] = []
    for item in replays:
        complaint = _complaint(item, choice)
        if complaint:
            passed_over[complaint] += 1
        else:
            good.append(item)
    if choice.per_problem is None:
        return good
    taken: defaultdict[tuple[Path, str], set[tuple[str | None, ...]]] = defaultdict(set)
    kept: list[int] = []
    for place in sorted(range(len(good)), key=lambda place: len(good[place].episode.steps)):
        sequence, known = tuple(step.action for step in good[place].episode.steps), taken[good[place].key]
        if sequence in known:
            passed_over["the actions of another episode"] += 1
        elif len(known) == choice.per_problem:
            passed_over["enough of its problem"] += 1
        else:
            known.add(sequence)
            kept.append(place)
    return [good[place] for place in sorted(kept)]


def _complaint(item: Replay, choice: Choice) -> str:
    """Why an episode is not good enough, empty where it is; what it says of itself is proved when it is replayed."""
    problem = item.problems.get(item.episode.problem_id)
    kept = optimality_preserved(item.episode.objective, problem.original_objective)
    if choice.min_op and (kept is None or kept < choice.min_op):
        return "the clean optimum is not known" if kept is None else f"OP below {choice.min_op:g}"
    if choice.equivalent and (item.episode.reward_terms or {}).get("equivalence") != "equivalent":
        return "not proved equivalent"
    return ""
