"""The arithmetic of the day on two A800s: from its own commands, the figures it assumes, and the recipe of GRPO."""

import re

import yaml
from doc_pages import ROOT, Command

PAGE = "docs/a_day_on_two_a800s.md"
DAY = (ROOT / PAGE).read_text(encoding="utf-8")
GRPO = yaml.safe_load((ROOT / "swift_recipes/rlhf/qwen3_8b_grpo.yaml").read_text(encoding="utf-8"))
SETS = re.findall(r"problems generate --out problems/(\w+) --count (\d+) --seed (\d+)", DAY)
PROBLEMS = {name: int(count) for name, count, _ in SETS}
LIMIT_OF_A_REPLY = 4096


def said(pattern: str) -> list[float]:
    """The numbers in the first place of the page that reads so."""
    found = re.search(pattern, DAY)
    assert found, f"{PAGE} no longer says {pattern}"
    return [float(number.replace(",", "")) for number in found.groups()]


def test_each_set_has_a_seed_of_its_own() -> None:
    """Sets of one seed share clean models."""
    told = re.findall(r"\| `problems/(\w+)` \| ([\d,]+), seed (\d+) \|", DAY)
    assert [(name, f"{int(count):,}", seed) for name, count, seed in SETS] == told
    assert list(PROBLEMS) == ["sft", "val", "grpo", "test"] and len({seed for *_, seed in SETS}) == 4
    total = sum(PROBLEMS.values())
    (minutes,) = said(r"1,000 took ([\d.]+) \(m\)")
    assert f"# {total:,} in all: {total * minutes / 1000:.0f} min (e)" in DAY


def test_rows_follow_from_problems() -> None:
    rows, problems = said(r"are (\d+) rows of (\d+) problems \(m\)")
    (held_out,) = said(r"data split rows\.jsonl --out split --val ([\d.]+) --test 0\n")
    (share,) = said(r"data mix .* --share ([\d.]+) ")
    made = PROBLEMS["sft"] * rows / problems
    trained = made * (1 - held_out)
    assert f"rows of the oracle: {made:,.0f} (e), of which `data split` leaves {trained:,.0f} (e) to train" in DAY
    general = trained * share / (1 - share)
    assert f"{general:,.0f} (e) general rows" in DAY and general < said(r"databricks-dolly-15k#(\d+)'")[0]
    assert round(trained, -3) == said(r"one SFT run, ([\d,]+) rows with algebra")[0]
    least, most = said(r"([\d.]+) min to ([\d.]+) h, 39")
    assert f"same length {least / (1 - share):.0f} min to {most / (1 - share):.1f} h" in DAY


def minutes(tokens: float) -> tuple[float, float]:
    """On both GPUs, and where they do as much as one."""
    (a_second,) = said(r"\(e\) \| ([\d,]+) a GPU, prompts and replies together")
    return tokens / a_second / 60 / 2, tokens / a_second / 60


def test_what_is_generated_takes_as_long_as_it_says() -> None:
    prompt, reply = said(r"prompt ([\d,]+) and reply (\d+) tokens with algebra")
    decision, untrained = prompt + reply, prompt + LIMIT_OF_A_REPLY
    (most_steps,) = said(r"--max-steps (\d+) --out runs/before")
    for tokens, line in (
        (300 * 8 * 1.5 * decision, "{0:.1f} million tokens: {1:.0f} min on both GPUs, {2:.0f} if they"),
        (300 * 1.5 * untrained, "= {0:.1f} to"),
        (300 * most_steps * untrained, "to {0:.1f} million: 5 to {1:.0f} min on both, {2:.0f} as one"),
        (700 * LIMIT_OF_A_REPLY, "{0:.1f} million: {1:.0f} min on both, {2:.0f} as one"),
        (PROBLEMS["grpo"] * 8 * 1.5 * decision, "{0:.1f} million tokens: {1:.0f} to {2:.0f} min"),
    ):
        assert line.format(tokens / 1e6, *minutes(tokens)) in DAY, line
    assert f"{PROBLEMS['grpo']:,} problems, 8 samples (e)" in DAY and PROBLEMS["test"] == 300


def test_steps_are_prompts_by_the_recipe() -> None:
    """One epoch: every prompt is seen once, and no setting makes more steps of them."""
    accumulated, processes = GRPO["gradient_accumulation_steps"], GRPO["ENV"]["NPROC_PER_NODE"]
    completions = GRPO["per_device_train_batch_size"] * processes * accumulated
    prompts = completions // GRPO["num_generations"]
    assert GRPO["num_train_epochs"] == 1 and "max_steps" not in GRPO
    assert f"4 x 2 x 16 completions are {prompts} prompts of {GRPO['num_generations']}; one epoch" in DAY
    assert f"| {completions} completions x 1,188" in DAY and f"a checkpoint every {GRPO['save_steps']};" in DAY

    kept, states, per_problem = said(r"(\d+) % that are .*, (\d) states each with `--per-problem (\d)`")
    one_each = int(PROBLEMS["grpo"] * kept / 100)
    drawn = int(one_each * states)
    assert states <= per_problem and f"{drawn:,} prompts. One each, without `--per-problem`: {one_each}" in DAY
    steps = drawn // prompts
    hours = f"{steps / 60:.1f} to {steps * 3 / 60:.1f} h"
    assert f"{drawn:,} prompts are {steps} steps, {hours}; {one_each} are {one_each // prompts};" in DAY
    begin, end = said(r"\n\| (\d+) to (\d+) \| \*\*GRPO\*\*")
    longest = int((end - begin) * 60 // 3)
    assert (
        f"hold {longest}, {longest * prompts:,} prompts" in DAY
        and f"one epoch: {steps} steps (e), {longest} at most" in DAY
    )
    assert f"--limit {longest * prompts} " in DAY
    (limit, fewer) = said(r"`--limit (\d+)`: (\d+) steps")
    assert limit / prompts == fewer and limit / drawn < 1.1


def test_each_command_has_its_set(every_command: list[Command]) -> None:
    """What is trained on, chosen on and measured on are three sets, and all are played by the same rules."""
    lines = [each.text for each in every_command if each.page == PAGE and "problems/" in each.text]
    played = [line for line in lines if " generate " not in line and "grpo-data" not in line]
    variables = dict(re.findall(r'^(\w+)="(.*)"$', DAY, re.MULTILINE))
    assert len(played) == 6
    for line in played:
        assert "--actions extended --max-steps 8" in line.replace("$play", variables["play"]), line
    for beginning, named in (
        ("ordebug rollout --policy oracle", ["sft"]),
        ("bash shell/eval.sh", ["test"]),
        ("bash shell/select.sh", ["val"]),
        ("bash shell/grpo.sh", ["grpo", "test"]),
        ("ordebug grpo-data", ["grpo"]),
    ):
        found = [re.findall(r"problems/(\w+)", line) for line in lines if line.startswith(beginning)]
        assert found and all(each == named for each in found), beginning


def test_the_hours_are_a_day() -> None:
    hours = re.findall(r"^\| (\d+) to (\d+) \|", DAY, re.MULTILINE)
    assert [end for _, end in hours[:-1]] == [begin for begin, _ in hours[1:]]
    assert hours[0][0] == "0" and hours[-1][1] == "24"
