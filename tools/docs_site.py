"""What the documentation's site needs beyond docs/: pages from elsewhere in the repository, links that fit.

MkDocs calls the functions (`hooks:` in mkdocs.yml). The Markdown is written for readers of the repository, so
that every link there works; here links between pages are turned to the site's, and links to files that are no
page become plain text: the site has no copy of the repository.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
# Files of the repository that are pages of the site.
PAGES = {
    "README.md": "index.md",
    "config/README.md": "suites.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
SEARCH = "assets/docs_search.js"
# What the theme would fetch from elsewhere for its search without a server.
FETCHED = re.compile(r'<script src="https://unpkg\.com/iframe-worker/shim"></script>')
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"(^```.*?^```$|`[^`\n]*`)", re.M | re.S)


def on_files(files: Files, config: Any) -> Files:
    """Add what lies outside docs/."""
    script = (ROOT / "tools/docs_search.js").read_text(encoding="utf-8")
    files.append(File.generated(config, SEARCH, content=script))
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn a page's links into the site's."""
    uri = page.file.src_uri
    sources = {name: source for source, name in PAGES.items()}
    return with_site_links(markdown, sources.get(uri, f"docs/{uri}"))


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Give a page the site's own script for what the theme would fetch."""
    own = posixpath.relpath(SEARCH, posixpath.dirname(page.file.dest_uri) or ".")
    return FETCHED.sub(f'<script src="{own}"></script>', output)


def on_post_template(output_content: str, template_name: str, **_: Any) -> str:
    """Let the page of a missing address be: it is shown by servers alone, where browsers need no help."""
    return FETCHED.sub("", output_content)


def with_site_links(markdown: str, source: str) -> str:
    """Return a file's Markdown with the links that it has as a page of the site.

    source: the file's path in the repository.

    >>> with_site_links("See [timing](docs/timing.md#x), [it](tools/a.py), [a.py](tools/a.py), `[a](b)`.", "README.md")
    'See [timing](timing.md#x), it (`tools/a.py`), `tools/a.py`, `[a](b)`.'
    """

    def turned(match: re.Match[str]) -> str:
        picture, text, address = match.groups()
        path, _, anchor = address.partition("#")
        if "://" in address or not path:
            return match[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        at = f"#{anchor}" if anchor else ""
        if target in PAGES:
            return f"{picture}[{text}]({PAGES[target]}{at})"
        if target.startswith("docs/"):
            return f"{picture}[{text}]({target.removeprefix('docs/')}{at})"
        return f"`{target}`" if target.endswith(text.strip("`")) else f"{text} (`{target}`)"

    parts = FENCE.split(markdown)
    return "".join(part if number % 2 else LINK.sub(turned, part) for number, part in enumerate(parts))
