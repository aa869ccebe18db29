"""No link of a page in the repository is dead: files, headings, pictures."""

from __future__ import annotations

import re
import subprocess

import pytest
from doc_pages import ROOT, prose, read

# Tables of the sample report are to be put into texts: they have no title.
MARKDOWN = sorted(
    subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md", ":!reports/published/*/*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
)


def without_code(page: str) -> str:
    """Return a page without its blocks and its inline code."""
    return re.sub(r"`[^`\n]*`", "`code`", prose(page))


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as the usual places that show Markdown make them.

    Two headings of one name would be told apart by a number; there are none.
    """
    found = [
        re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", title).lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", prose(page), re.M)
    ]
    assert len(found) == len(set(found)), page
    return set(found)


@pytest.mark.parametrize("page", MARKDOWN)
def test_links_lead_somewhere(page: str) -> None:
    for address in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        if re.match(r"https?://", address):
            continue
        path, _, anchor = address.partition("#")
        assert not path.startswith(("/", "mailto:")), address
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {address}"
        assert target.resolve().is_relative_to(ROOT), address
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(ROOT).as_posix()), f"{page}: {address}"


@pytest.mark.parametrize("page", MARKDOWN)
def test_pages_have_one_title_and_described_pictures(page: str) -> None:
    text = without_code(page)
    assert len(re.findall(r"^# ", text, re.M)) == 1
    assert all(alternative.strip() for alternative in re.findall(r"!\[(.*?)\]\(", text, re.S))


def test_pages_of_docs_can_be_found_from_the_readme() -> None:
    """Link after link, every page is reached."""
    reached, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for path in re.findall(r"\]\(([^)\s#]+\.md)(?:#[^)]*)?\)", without_code(page)):
            if "://" not in path:
                waiting.append(((ROOT / page).parent / path).resolve().relative_to(ROOT).as_posix())
    docs = {page for page in MARKDOWN if page.startswith("docs/")}
    assert docs <= reached


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) < 200


def test_pictures_are_small() -> None:
    assert all(path.stat().st_size < 400_000 for path in (ROOT / "docs/images").iterdir())
    assert (ROOT / "docs/images/report.jpg").stat().st_size < 150_000
