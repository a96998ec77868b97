"""docs/benchmarks.md in sections: each benchmark writes its own and leaves the others alone."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write_section(name: str, text: str, page: Path = PAGE) -> None:
    """Put a section in its place, between two marks that readers do not see; a new one goes to the end."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    old = page.read_text(encoding="utf-8")
    section = f"{begin}\n\n{text.strip()}\n\n{end}"
    head, found, rest = old.partition(begin)
    if found:
        new = head + section + rest.partition(end)[2]
    else:
        new = old.rstrip() + f"\n\n{section}\n"
    page.write_text(new, encoding="utf-8")
