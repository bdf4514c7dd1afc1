"use strict";
// The episode browser. Texts come from models and files: they enter the page as text nodes alone, never as HTML.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const PAGE = 100;
  const VALID = ["applied", "shown", "submitted"];
  let found = [];
  let chosen = 0;
  let first = 0;

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const add = (parent, ...made) => (parent.append(...made), parent);
  const problemOf = (episode) => data.problems[episode.problem];
  const share = (value) => (value == null ? "–" : value.toFixed(3).replace(/^0/, ""));
  const number = (value) => String(Number(value.toPrecision(9)));
  const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

  // --- filters ---

  const FILTERS = {
    policy: ["every policy", (episode) => [data.policies[episode.policy]]],
    type: ["every type", (episode) => [problemOf(episode).type ?? "no type"]],
    result: ["any result", (episode) => results(episode)],
    cause: ["root cause or not", (episode) => (episode.hit == null ? [] : [episode.hit ? "first edit hits the cause" : "first edit misses the cause"])],
    stop: ["any ending", (episode) => [`ended: ${episode.stop}`]],
    outcome: ["any action", (episode) => episode.steps.map((step) => (VALID.includes(step.outcome) ? `action ${step.outcome}` : `invalid: ${step.outcome}`))],
  };

  function results(episode) {
    if (episode.stop === "error") return ["unscored"];
    if (!episode.recovered) return ["not recovered"];
    if (episode.op == null) return ["recovered"];
    return ["recovered", episode.op >= 0.95 ? "recovered, OP ≥ .95" : "recovered, OP < .95"];
  }

  function prepare() {
    for (const episode of data.episodes) {
      episode.tags = {};
      for (const [name, [, tags]] of Object.entries(FILTERS)) episode.tags[name] = new Set(tags(episode));
    }
    for (const [name, [every]] of Object.entries(FILTERS)) {
      const counts = new Map();
      for (const episode of data.episodes) for (const tag of episode.tags[name]) counts.set(tag, (counts.get(tag) ?? 0) + 1);
      const choice = (value, text) => Object.assign(element("option", "", text), { value });
      const names = name === "policy" ? [...counts.keys()] : [...counts.keys()].sort();
      add(byId(name), choice("", every), ...names.map((tag) => choice(`=${tag}`, name === "policy" ? `${tag} (${counts.get(tag)})` : tag)));
      byId(name).addEventListener("change", filter);
    }
    if (data.policies.length > 1) byId("policy").value = `=${data.policies[0]}`;
  }

  // Made when the first search is typed, and kept: lower case of 20 MB takes a moment.
  function searched(episode) {
    episode.search ??= [problemOf(episode).id, problemOf(episode).family ?? "", ...episode.steps.flatMap((step) => [step.thought ?? "", step.reply])].join("\n").toLowerCase();
    return episode.search;
  }

  function filter() {
    const kept = found[chosen];
    const wanted = Object.keys(FILTERS).map((name) => [name, byId(name).value.slice(1)]).filter(([, tag]) => tag);
    const words = byId("search").value.toLowerCase().trim();
    found = data.episodes.filter((episode) => wanted.every(([name, tag]) => episode.tags[name].has(tag)) && (!words || searched(episode).includes(words)));
    choose(Math.max(0, found.indexOf(kept)), false, true);
  }

  // --- list ---

  function choose(place, move, renewed = false) {
    chosen = Math.min(Math.max(0, place), Math.max(0, found.length - 1));
    const begin = Math.floor(chosen / PAGE) * PAGE;
    if (renewed || begin !== first) {
      first = begin;
      showList();
    }
    showChoice();
    showDetail(found[chosen], move);
  }

  function showList() {
    const shown = found.slice(first, first + PAGE);
    byId("list").replaceChildren(...shown.map(listItem));
    byId("count").textContent = `${found.length.toLocaleString("en")} of ${plural(data.episodes.length, "episode")}`;
    byId("page").textContent = found.length ? `${first + 1}-${first + shown.length}` : "";
    byId("back").disabled = first === 0;
    byId("on").disabled = first + PAGE >= found.length;
  }

  function showChoice() {
    const list = byId("list");
    for (const item of list.querySelectorAll("[aria-selected=true]")) item.setAttribute("aria-selected", "false");
    const item = list.children[chosen - first];
    if (!item) return;
    item.setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", item.id);
    const above = item.offsetTop - list.scrollTop;
    if (above < 0 || above + item.offsetHeight > list.clientHeight) list.scrollTop = item.offsetTop - list.clientHeight / 3;
  }

  function listItem(episode, offset) {
    const item = element("li", "", "");
    const place = first + offset;
    item.id = `episode-${place}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.addEventListener("click", () => choose(place, true));
    const problem = problemOf(episode);
    const about = [problem.type && `type ${problem.type}`, data.policies[episode.policy], episode.sample ? `sample ${episode.sample + 1}` : ""];
    return add(item, badge(episode), " ", problem.id, element("small", "", [...about.filter(Boolean), told(episode)].join(" · ")));
  }

  function badge(episode) {
    if (episode.stop === "error") return element("span", "soft", "!");
    return element("span", episode.recovered ? "yes" : "no", episode.recovered ? "✓" : "✗");
  }

  function told(episode) {
    const cause = episode.hit == null ? "" : episode.hit ? ", hits the cause" : ", misses the cause";
    return `${episode.stop} after ${plural(episode.steps.length, "step")}${cause}`;
  }

  // --- one episode ---

  function showDetail(episode, move) {
    const detail = byId("detail");
    detail.replaceChildren();
    detail.scrollTop = 0;
    if (!episode) {
      detail.append(element("p", "soft", data.episodes.length ? "No episode is like that." : "No episode was played."));
      return;
    }
    const problem = problemOf(episode);
    add(detail, element("h3", "", problem.id), add(element("p", "soft"), badge(episode), ` ${[problem.family, data.policies[episode.policy], told(episode)].filter(Boolean).join(" · ")}`));
    add(detail, element("p", "soft", figures(episode, problem)));
    if (episode.error) detail.append(element("p", "warn", episode.error));
    if (problem.description) detail.append(folded("Description", element("pre", "", problem.description)));
    if (problem.causes || problem.broken) detail.append(folded("What was broken (gives the answer away)", ...causes(problem)));
    episode.steps.forEach((step, number) => detail.append(...turn(step, number)));
    detail.append(...left(episode, problem));
    if (move && matchMedia("(max-width: 56rem)").matches) detail.scrollIntoView({ block: "start" });
  }

  function figures(episode, problem) {
    const parts = [];
    if (episode.op != null) parts.push(`OP ${share(episode.op)}`);
    if (episode.objective != null) parts.push(`optimum ${number(episode.objective)}`);
    if (problem.optimum != null) parts.push(`clean optimum ${number(problem.optimum)}`);
    if (episode.return != null) parts.push(`return ${number(episode.return)}`);
    return parts.join(", ");
  }

  function causes(problem) {
    const parts = (problem.causes ?? []).map((cause) => element("p", "", cause));
    if (problem.broken) parts.push(...listed("The broken model against the clean one", problem.broken));
    if (problem.repair && problem.repair.length) parts.push(...listed("A repair", problem.repair));
    return parts;
  }

  function left(episode, problem) {
    if (!episode.left) return problem.description === undefined ? [] : [element("p", "note", "What the model was left as is not stored with this episode.")];
    if (!episode.left.length) return [element("h3", "", "The model as it was left"), element("p", "yes", "It is the clean model again.")];
    return [element("h3", "", "The model as it was left"), ...listed("Against the clean one", episode.left)];
  }

  function turn(step, number) {
    const parts = [element("h3", "", `Turn ${number + 1}`)];
    if (step.prompt == null) {
      const conflict = step.conflict && step.conflict.length ? ` It showed a conflict of ${step.conflict.join(", ")}.` : "";
      parts.push(element("p", "note", `The prompt is not stored with this episode.${conflict}`));
    }
    else parts.push(prompt(step));
    if (step.state === "valid") parts.push(element("pre", "thought", step.thought));
    else parts.push(element("p", "warn", `The thought is ${step.state}. The whole reply:`));
    parts.push(element("pre", "", step.reply));
    const fine = VALID.includes(step.outcome);
    const read = step.action == null ? "no action" : step.action;
    parts.push(add(element("p"), "Read as ", element("b", "", read), ": ", element("span", fine ? "yes" : "no", step.outcome.replaceAll("_", " ")), `. The solver: ${step.status.toLowerCase()}`));
    const cost = [step.tokens == null ? "" : plural(step.tokens, "token"), step.seconds == null ? "" : `${step.seconds} s`].filter(Boolean);
    if (cost.length) parts.push(element("p", "note", cost.join(", ")));
    return parts;
  }

  function prompt(step) {
    const shown = folded("Prompt");
    shown.classList.add("prompt");
    if (step.differs) shown.append(element("p", "warn", "Made anew by this version: the prompt that was shown had another digest."));
    return add(shown, element("pre", "", data.prompts[step.prompt].map((line) => data.lines[line]).join("\n")));
  }

  function folded(title, ...parts) {
    return add(element("details"), element("summary", "", title), ...parts);
  }

  function listed(title, lines) {
    return [element("p", "soft", title), add(element("ul"), ...lines.map((line) => element("li", "", line)))];
  }

  // --- keys ---

  function clear() {
    byId("search").value = "";
    for (const name of Object.keys(FILTERS)) byId(name).value = "";
    filter();
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    const within = event.target.closest("#list, #detail");
    const arrow = within ? { ArrowDown: 1, ArrowUp: -1 }[event.key] : undefined;
    const step = { j: 1, k: -1 }[event.key] ?? (event.target.closest("#list") ? arrow : undefined);
    if (typing) {
      if (event.key === "Escape" || (event.key === "Enter" && event.target === byId("search"))) byId("list").focus({ preventScroll: true });
      else return;
    } else if (step) choose(chosen + step, false);
    else if (event.key === "/") byId("search").focus();
    else if (event.key === "p") togglePrompts();
    else if (event.key === "Escape" && within) clear();
    else return;
    event.preventDefault();
  }

  function togglePrompts() {
    const prompts = [...document.querySelectorAll("#detail .prompt")];
    const open = !prompts.every((one) => one.open);
    for (const one of prompts) one.open = open;
  }

  prepare();
  byId("browser").hidden = false;
  byId("search").addEventListener("input", filter);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("back").addEventListener("click", () => choose(first - PAGE, false));
  byId("on").addEventListener("click", () => choose(first + PAGE, false));
  document.addEventListener("keydown", key);
  filter();
})();
