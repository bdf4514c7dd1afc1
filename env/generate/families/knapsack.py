"""Budgeted selection: which projects are begun, and what money is carried from year to year, for the most gain.

Money balances from year to year, some projects need another, and one of a group is begun (all protected).
"""

import random

from ordebug.env.generate.builder import Builder, names, tenths
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.scale import Scale

PROJECTS = ("bridge", "tunnel", "school", "clinic", "park", "pool", "tram", "library", "dam", "port")
SKILLS = ("engineers", "builders", "planners")
TOPICS = (
    "council vote",
    "grant rule",
    "district share",
    "lender rule",
    "green plan",
    "flood plan",
    "noise plan",
    "heritage rule",
    "local hire",
    "press promise",
)

MOST_OPEN = 60
"""Projects that one row may hold; longer rows would make the optimum take too much work to prove."""
MOST_SOLVED = 500
"""Variables; of larger programmes the optimum seldom is proved within the work that making problems may take."""


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A programme of projects over two or more years."""
    size = min(MOST_SOLVED, rng.choice(scale.variables))
    years = 2 + (size > 12) + size // 60
    b = Builder(
        rng,
        "knapsack",
        "A city picks projects and carries money over years. Maximize gain.",
        maximize=True,
        topics=TOPICS,
        unit="points",
    )
    projects = names(PROJECTS, max(3, size - years))
    for project in projects:
        b.variable(project, float(rng.random() < 0.5), rng.randint(3, 30), kind="B")
    _money(b, projects, years)
    for skill in rng.sample(SKILLS, 2):
        _skill(b, skill, projects)
    for _ in range(max(1, len(projects) // 5)):
        _links(b, projects)
    b.side_rows(max(2, len(projects) // 4))
    return b.draft()


def _money(b: Builder, projects: list[str], years: int) -> None:
    """Each year's money: carried in and granted, less what projects cost, is carried on."""
    before = ""
    for year in range(1, years + 1):
        open_to = _begun_about(projects, year, years)
        cost = {project: tenths(b.rng, 0.5, 6) for project in b.rng.sample(open_to, max(2, len(open_to) // 2))}
        left = tenths(b.rng, 0.1, 4)
        b.variable(f"carry_{year}", left, b.rng.randint(0, 1), upper=b.above(left))
        terms = cost | {f"carry_{year}": 1.0} | ({before: -1.0} if before else {})
        b.balance(f"money of year {year}", terms, "millions")
        before = f"carry_{year}"


def _begun_about(projects: list[str], year: int, years: int) -> list[str]:
    """Projects that may cost money in a year: of a long programme, its own only."""
    if len(projects) <= MOST_OPEN:
        return projects
    first, width = (year - 1) * len(projects) // years, max(8, len(projects) // years)
    return projects[first : first + width]


def _skill(b: Builder, skill: str, projects: list[str]) -> None:
    """People of a skill; what a project needs stands in the city's limit and in the district's."""
    chosen = projects if len(projects) <= MOST_OPEN else b.rng.sample(projects, MOST_OPEN)
    need = {project: float(b.rng.randint(1, 9)) for project in chosen}
    some = dict(b.rng.sample(sorted(need.items()), (len(need) + 1) // 2))
    rows = [b.limit(f"{skill} of the city", need, "people", "<="), b.limit(f"{skill} on loan", some, "people", "<=")]
    for project in sorted(some)[:2]:
        b.datum(f"{skill} for the {project}", need[project], [(row, project) for row in rows])


def _links(b: Builder, projects: list[str]) -> None:
    """One project needs another, and of three exactly so many are begun."""
    first, second = b.rng.sample(projects, 2)
    if b.plan[first] <= b.plan[second]:
        b.balance(f"{first} needs {second}", {first: 1.0, second: -1.0}, "projects", "<=", 0.0)
    group = sorted(b.rng.sample(projects, 3))
    b.balance(f"choice of {', '.join(group).replace(', ', ' or ')}", dict.fromkeys(group, 1.0), "projects")
