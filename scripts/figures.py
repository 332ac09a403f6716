"""Put the tables of ``benchmarks/`` into the pages that show them; ``make figures`` runs this.

    python scripts/figures.py            # --check: only say which pages differ

A comment ``<!-- benchmarks/….md -->`` before a table says where its figures come from; with ``, "A
heading"`` the first table below that heading that begins alike. A page keeps the rows that it has,
known by their first cells, in its own order; with no table behind the comment it gets all of them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r'<!-- (benchmarks/\S+\.md)(?:, "([^"\n]+)")? -->\n((?:\|.*\n)*)')
_TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Table:
    """Lines of a table in Markdown: its head, the rule below it, its rows."""

    head: str
    rule: str
    rows: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Table:
        """Take a table apart."""
        head, rule, *rows = text.splitlines()
        return cls(head, rule, tuple(rows))

    @property
    def known_by(self) -> int:
        """How many of the first cells tell every row from the others."""
        widest = len(cells(self.head))
        for width in range(1, widest):
            if len({cells(row)[:width] for row in self.rows}) == len(self.rows):
                return width
        return widest

    def like(self, other: Table) -> bool:
        """Whether both begin alike and have as many columns."""
        mine, its = cells(self.head), cells(other.head)
        return mine[0] == its[0] and len(mine) == len(its)

    def of_rows(self, wanted: Table, where: str) -> str:
        """Return the rows that another table names.

        Raises
        ------
        SystemExit
            A row is not here.
        """
        width = self.known_by
        mine = {cells(row)[:width]: row for row in self.rows}
        keys = [cells(row)[:width] for row in wanted.rows]
        if missing := [key for key in keys if key not in mine]:
            raise SystemExit(f"{where}: no row {missing}; take it off the page, or measure it")
        return "".join(f"{line}\n" for line in (self.head, self.rule, *(mine[k] for k in keys)))


def cells(line: str) -> tuple[str, ...]:
    """Cells of a line of a table."""
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def pages() -> Iterator[Path]:
    """Yield all pages that may show figures."""
    yield from (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
    yield from sorted((ROOT / "docs").rglob("*.md"))
    yield from sorted((ROOT / "models").rglob("*.md"))


def with_figures(page: str, root: Path = ROOT) -> str:
    """Return a page with all its tables as the benchmarks have them.

    Raises
    ------
    SystemExit
        A file has no such table, or a table no such row.
    """

    def made(match: re.Match[str]) -> str:
        file, heading, shown = match.groups()
        where = f'{file}, "{heading}"' if heading else file
        text = (root / file).read_text(encoding="utf-8")
        if heading:
            _, found, text = text.partition(f"# {heading}\n")
            if not found:
                raise SystemExit(f"{where}: there is no such heading")
        tables = [Table.of(part) for part in _TABLE.findall(text)]
        mark = match[0].partition("\n")[0] + "\n"
        if not shown:
            return mark + "".join(_TABLE.findall(text)[:1])
        asked = Table.of(shown)
        for table in tables:
            if table.like(asked):
                return mark + table.of_rows(asked, where)
        raise SystemExit(f"{where}: no table begins like {asked.head}")

    done: str = MARK.sub(made, page)
    return done


def main() -> None:
    """Write the pages, or say which ones differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    other = []
    for path in pages():
        page = path.read_text(encoding="utf-8")
        made = with_figures(page)
        if made != page:
            other.append(path.relative_to(ROOT).as_posix())
            if not check:
                path.write_text(made, encoding="utf-8")
    if check and other:
        sys.exit(f"not as the benchmarks have it: {', '.join(other)} (make figures)")


if __name__ == "__main__":
    main()
