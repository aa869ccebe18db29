"""The documentation's site: built strictly, whole without a network, its links alive."""

from __future__ import annotations

import doctest
import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import doc_pages
import pytest
import yaml
from doc_pages import ROOT, build_site, read

import superglobal_core


class Page(HTMLParser):
    """What a page has: ids, links, and what a browser fetches for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif "src" in given or (tag == "link" and "href" in given):
            self.fetched.append(given.get("src") or given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    build_site(folder)
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page of the site."""
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_page_of_docs_is_one_of_the_site(site: Path) -> None:
    sources = {path.stem for path in (ROOT / "docs").glob("*.md")}
    made = {path.stem for path in site.glob("*.html")}
    assert sources <= made
    assert made - sources == {"index", "suites", "contributing", "changelog", "404"}


def test_nothing_is_fetched_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for address in page.fetched:
            split = urlsplit(address)
            assert not split.netloc, f"{path.name}: {address}"
            if path.name != "404.html" and split.scheme != "data":
                assert (path.parent / unquote(split.path)).exists(), f"{path.name}: {address}"
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"url\(['\"]?(https?:)?//|@import", styles)


def test_links_lead_somewhere(pages: dict[Path, Page]) -> None:
    by_path = {path.resolve(): page for path, page in pages.items()}
    for path, page in pages.items():
        if path.name == "404.html":  # its addresses begin at a server's root
            continue
        for address in page.links:
            split = urlsplit(address)
            if split.scheme:
                assert split.scheme == "https", address
                continue
            target = (path.parent / unquote(split.path)).resolve() if split.path else path.resolve()
            assert target.exists(), f"{path.name}: {address}"
            if split.fragment and target in by_path:
                assert unquote(split.fragment) in by_path[target].ids, f"{path.name}: {address}"


def test_public_names_are_on_the_page_about_python(site: Path) -> None:
    page = Page((site / "api.html").read_text(encoding="utf-8"))
    for name in superglobal_core.__all__:
        assert f"{getattr(superglobal_core, name).__module__}.{name}" in page.ids
    table = read("docs/api.md").partition("## ")[0]
    assert set(re.findall(r"`(\w+)`[,\s]", table)) - {"superglobal_core"} == set(superglobal_core.__all__)


def test_examples_of_docstrings_are_code(site: Path) -> None:
    text = (site / "api.html").read_text(encoding="utf-8")
    assert "<blockquote>" not in text
    assert text.count('<span class="gp">&gt;&gt;&gt; </span>') > 10


def test_build_is_told_to_be_strict() -> None:
    class Loader(yaml.SafeLoader):
        """Passes over the names of functions."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    content = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader=Loader)
    assert content["strict"] is True
    assert content["use_directory_urls"] is False
    assert content["theme"]["font"] is False
    assert set(content["validation"].values()) == {"warn"}


@pytest.mark.parametrize("name", ["docs_site", "docs_examples"])
def test_the_sites_own_functions_do_as_they_say(name: str) -> None:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for each in (module, doc_pages):
        result = doctest.testmod(each)
        assert result.attempted > 0
        assert result.failed == 0
