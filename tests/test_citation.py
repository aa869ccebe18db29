"""CITATION.cff: how the software itself is cited."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import superglobal_core
from superglobal_core.data.bibtex import entries_of
from superglobal_core.data.strict_yaml import load_yaml

ROOT = Path(__file__).parents[1]


def test_the_citation_file_has_what_the_format_requires_and_the_projects_version() -> None:
    content = load_yaml((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert content["cff-version"] == "1.2.0"
    assert content["type"] == "software"
    assert all(content[key] for key in ("message", "title", "authors"))
    assert content["version"] == superglobal_core.__version__
    assert content["license"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    (owner,) = re.findall(r"^Copyright \(c\) \d{4} (.+)$", (ROOT / "LICENSE").read_text(), re.M)
    assert owner in {author.get("name") for author in content["authors"]}
    assert all("name" in author or "family-names" in author for author in content["authors"])


def test_the_paper_is_the_one_that_reports_cite() -> None:
    (paper,) = load_yaml((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["references"]
    entry = entries_of((ROOT / "superglobal_core/data/works.bib").read_text(encoding="utf-8"))[
        "shao2023superglobal"
    ]
    assert f"title = {{{paper['title']}}}" in entry
    assert f"year = {{{paper['year']}}}" in entry
    names = " and ".join(f"{author['family-names']}, {author['given-names']}" for author in paper["authors"])
    assert f"author = {{{names}}}" in entry.replace(r"{\'e}", "é")
