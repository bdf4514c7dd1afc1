"""How quick a run's report is in Chromium: opening it, searching, filtering, walking through episodes.

python benchmarks/report_page.py RUN
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

MEASURE = """() => {
  const times = {};
  const timed = (name, act) => {
    const start = performance.now();
    act();
    document.getElementById("list").offsetHeight;
    times[name] = performance.now() - start;
  };
  const set = (id, value, event) => {
    const field = document.getElementById(id);
    field.value = value;
    field.dispatchEvent(new Event(event));
  };
  const shown = () => document.getElementById("count").textContent;
  timed("every policy", () => set("policy", "", "change"));
  const all = shown();
  timed("first search", () => set("search", "the", "input"));
  timed("next search", () => set("search", "the row", "input"));
  timed("search cleared", () => set("search", "", "input"));
  timed("filter", () => set("result", "=recovered", "change"));
  timed("filter cleared", () => set("result", "", "change"));
  timed("100 episodes on", () => {
    const key = () => new KeyboardEvent("keydown", { key: "j", bubbles: true });
    for (let i = 0; i < 100; i++) document.body.dispatchEvent(key());
  });
  return [all, times];
}"""


def main() -> None:
    page_file = Path(sys.argv[1], "report.html").resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(page_file.as_uri())
        opened = page.evaluate("performance.getEntriesByType('navigation')[0].duration")
        shown, times = page.evaluate(MEASURE)
        browser.close()
    print(f"{shown}, {page_file.stat().st_size / 1e6:.1f} MB")
    for name, took in {"opened": opened, **times}.items():
        print(f"{name}: {took:.0f} ms")


if __name__ == "__main__":
    main()
