"""An audit as one HTML file: no script, no network, everything in it escaped."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ordebug.converters.audit import wording
from ordebug.converters.audit.finding import Audit
from ordebug.core.jsonl import atomic_text

TEMPLATE = "audit.html.j2"


def write_html(audit: Audit, path: Path) -> None:
    """Writes the page, whole or not at all."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    with atomic_text(path) as file:
        file.write(environment.get_template(TEMPLATE).render(audit=audit, wording=wording))
