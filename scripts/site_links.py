"""A mkdocs hook: what pages link to outside ``docs/`` becomes a part of the site.

In the repository a page links to ``../benchmarks/kv/recall.md``, so that the link works where the
files are read as they are. On the site the same file is a page at ``benchmarks/kv/recall.html``,
with everything that it links to in its turn; files that are not Markdown are copied.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

_LINK = re.compile(r"(?<=\]\()[^()\s#]+")
"""Where a link or an image of Markdown leads, without its anchor."""


def on_files(files: Any, config: Any) -> Any:
    """Add the files that the pages link to, and those that the navigation names in the root."""
    pending = [page.src_uri for page in files.documentation_pages()]
    for uri in re.findall(r"'([\w./-]+\.md)'", str(config.nav)):
        if not (DOCS / uri).exists() and (ROOT / uri).exists():
            files.append(File.generated(config, uri, abs_src_path=str(ROOT / uri)))
            pending.append(uri)
    while pending:
        page = source(pending.pop())
        for link in _LINK.findall(page.read_text("utf-8")):
            uri = uri_of(page, link)
            if uri is None or files.get_file_from_path(uri):
                continue
            files.append(File.generated(config, uri, abs_src_path=str(ROOT / uri)))
            if uri.endswith(".md"):
                pending.append(uri)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Make links lead to where the files are on the site."""
    here = page.file.src_uri

    def moved(match: re.Match[str]) -> str:
        uri = uri_of(source(here), match[0])
        return match[0] if uri is None else posixpath.relpath(uri, posixpath.dirname(here) or ".")

    return _LINK.sub(moved, markdown)


def source(uri: str) -> Path:
    """Return the file in the repository that is at ``uri`` on the site."""
    inside = DOCS / uri
    return inside if inside.exists() else ROOT / uri


def uri_of(page: Path, link: str) -> str | None:
    """Return where on the site the file is to which a page links; ``None``: the link is no file."""
    target = (page.parent / link).resolve()
    if not target.is_file():
        return None
    return target.relative_to(DOCS if target.is_relative_to(DOCS) else ROOT).as_posix()
