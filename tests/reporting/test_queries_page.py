"""The pages of queries: all are there, failures first, and every link leads to a card."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from made_up_results import QUERY_NAMES, TRUTH, Page, add_result, orders, read_evaluation

from superglobal_core.reporting import gallery
from superglobal_core.reporting.anchors import query_anchor
from superglobal_core.reporting.report import write_pages, write_report
from superglobal_core.reporting.texts import ABSENT

ROW = re.compile(r'<tr><th scope="row">(?:<a href="([^"]+)">)?([^<]+)(?:</a>)?</th>(.*?)</tr>')


def table_rows(folder: Path) -> list[tuple[str, str, list[str]]]:
    """The table's rows: address, name and the texts of the other cells."""
    table = (folder / "queries.html").read_text().partition("<table")[2].partition("</table>")[0]
    return [
        (address, name, re.findall(r"<td[^>]*>([^<]*)</td>", cells))
        for address, name, cells in ROW.findall(table)
    ]


def card_ids(folder: Path) -> dict[str, list[str]]:
    """The ids of the cards on each page of cards, in order."""
    pages = {path.name: Page(path.read_text()) for path in sorted(folder.glob("queries-*.html"))}
    return {
        name: [attributes["id"] for tag, attributes in page.elements if tag == "article"]
        for name, page in pages.items()
    }


def split_in_pages(monkeypatch: pytest.MonkeyPatch, cards: int) -> None:
    split = gallery.split
    monkeypatch.setattr(gallery, "split", lambda order: split(order, cards))


def test_table_has_every_query_failures_first(whole: Path, report: Path) -> None:
    rows = table_rows(report)
    for protocol in ("Medium", "Hard"):
        mine = [(name, cells) for _, name, cells in rows if cells[1] == protocol]
        assert sorted(name for name, _ in mine) == sorted(2 * QUERY_NAMES)
        values = [float(cells[3]) for _, cells in mine if cells[3] != ABSENT]
        assert values == sorted(values)
        # What has no positives is no failure: it comes last.
        assert [cells[3] == ABSENT for _, cells in mine] == sorted(cells[3] == ABSENT for _, cells in mine)
    name, cells = rows[0][1:]
    before, after = (
        read_evaluation(whole, "distractors", method)["medium"]["average_precision"][QUERY_NAMES.index(name)]
        for method in ("single-stage", "better")
    )
    change = f"{100 * (after - before):.2f}".replace("-", "\N{MINUS SIGN}")
    mean = f"{100 * (before + after) / 2:.2f}"
    assert (name, cells) == (
        "q2",
        ["with 5 distractors", "Medium", f"{100 * before:.2f}", f"{100 * after:.2f}", mean, change],
    )
    assert rows[0][2][1] == "Medium"
    assert rows[-1][2][1] == "Hard"


def test_every_query_has_one_card_and_links_lead_to_it(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split_in_pages(monkeypatch, 2)
    folder = write_report(whole, tmp_path / "out").parent
    ids = card_ids(folder)
    assert {name: len(each) for name, each in ids.items()} == {
        "queries-2.html": 2,
        "queries-3.html": 2,
        "queries-4.html": 1,
    }
    assert sorted(each for page in ids.values() for each in page) == sorted(map(query_anchor, QUERY_NAMES))
    # The first failure of the table is the first card.
    assert table_rows(folder)[0][0] == f"queries-2.html#{ids['queries-2.html'][0]}.2"
    places = {"without distractors": 1, "with 5 distractors": 2}
    for address, name, (database, *_) in table_rows(folder):
        file, _, anchor = address.partition("#")
        assert anchor == f"{query_anchor(name)}.{places[database]}"
        assert query_anchor(name) in ids[file]
        # The ranking on that database, in the query's card.
        assert Page((folder / file).read_text()).attributes("id").count(anchor) == 1
    for file in ("queries.html", *ids):
        page = Page((folder / file).read_text())
        assert page.wrong == page.open == []
        own = page.attributes("id")
        assert len(own) == len(set(own))
        for reference in page.attributes("href"):
            if reference.startswith("data:"):
                continue
            other, _, place = reference.partition("#")
            assert not other or (folder / other).is_file()
            known = own if not other else Page((folder / other).read_text()).attributes("id")
            assert not place or place in known
    # Next leads through all cards, across the pages.
    steps = []
    for file, anchors in ids.items():
        html = (folder / file).read_text()
        for anchor in anchors:
            card = html.partition(f'id="{anchor}"')[2].partition("</article>")[0]
            found = re.search(r'href="([^"]+)" aria-label="next query', card)
            steps.append(found[1].rpartition("#")[2] if found else None)
    assert steps == [*[each for page in ids.values() for each in page][1:], None]
    # The pages of cards are not in the list of pages.
    listed = (
        (folder / "index.html")
        .read_text()
        .partition('aria-label="Pages of this report"')[2]
        .partition("</ul>")[0]
    )
    assert "queries.html" in listed
    assert "queries-" not in listed


def test_pages_left_by_a_longer_report_are_removed(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as longer:
        split_in_pages(longer, 1)
        folder = write_report(whole, tmp_path / "out").parent
    assert len(card_ids(folder)) == 5
    (folder / "queries-of-mine.html").write_text("mine")
    write_report(whole, folder)
    assert sorted(path.name for path in folder.glob("queries*")) == [
        "queries-2.html",
        "queries-of-mine.html",
        "queries.html",
    ]
    (folder / "queries-3.html").write_text("old")
    write_pages(whole, folder, ["statistics"])
    assert (folder / "queries-3.html").is_file()
    write_pages(whole, folder, ["queries"])
    assert not (folder / "queries-3.html").exists()


def test_pictures_of_all_pages_share_one_budget(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split_in_pages(monkeypatch, 2)
    monkeypatch.setattr(gallery, "BUDGET_OF_ALL", 900)
    monkeypatch.setattr(gallery, "BUDGET", 600)
    folder = write_report(whole, tmp_path / "out").parent
    sizes = {}
    for file in card_ids(folder):
        page = Page((folder / file).read_text())
        sizes[file] = sum(len(each) for each in page.attributes("href") if each.startswith("data:"))
        assert re.search(r"pictures are missing, because the page would become too large", page.text)
    assert 0 < sizes["queries-2.html"] <= 600
    assert sum(sizes.values()) <= 900
    assert len(table_rows(folder)) == 4 * len(QUERY_NAMES)


def test_one_missing_ranking_leaves_the_others(results: Path, tmp_path: Path) -> None:
    (results / "rankings" / "mini" / "toy" / "plain" / "better.npz").unlink()
    folder = write_report(results, tmp_path / "out").parent
    page = Page((folder / "queries-2.html").read_text())
    assert page.text.count("Its ranking is not at hand.") == len(QUERY_NAMES)
    shown = [attributes for tag, attributes in page.elements if tag == "use"]
    assert len(shown) == len(QUERY_NAMES) * (1 + 10 + 10 + 10)


def test_other_methods_stand_as_marks_and_names(results: Path, tmp_path: Path) -> None:
    suite = json.loads((results / "suite.json").read_text())
    suite["methods"]["other"] = {"label": "other", "reranker": "alpha-qe"}
    (results / "suite.json").write_text(json.dumps(suite))
    _, after = orders(len(TRUTH.image_names))
    add_result(results, "plain", "other", "alpha-qe", after[:, ::-1].copy(), list(TRUTH.image_names))
    folder = write_report(results, tmp_path / "out").parent
    html = (folder / "queries-2.html").read_text()
    card = html.partition('id="q-q0"')[2].partition("</article>")[0]
    summary, text = re.search(r"<summary>other(.*?)</summary>\s*<p>(.*?)</p>", card, re.DOTALL).groups()  # type: ignore[union-attr]
    best = [str(name) for name in reversed([TRUTH.image_names[row] for row in after[0]])]
    found = [entry.strip() for entry in text.split(", ")]
    assert [entry.split(" ", 1)[1].replace("&lt;", "<").replace("&gt;", ">") for entry in found] == best[:10]
    assert "".join(entry[0] for entry in found) in summary
    # Of all reranked results SuperGlobal's stands in pictures.
    assert len(re.findall(r"<use ", card)) == 1 + 2 * 20


def test_without_ground_truth_numbers_stand_for_names(results: Path, tmp_path: Path) -> None:
    (results / "data" / "toy" / "gnd_toy.pkl").unlink()
    folder = write_report(results, tmp_path / "out").parent
    assert card_ids(folder) == {}
    rows = table_rows(folder)
    assert rows[0][:2] == ("", "query 3")
    assert (
        "The queries cannot be shown: its ground truth is not at hand"
        in (folder / "queries.html").read_text()
    )


def test_a_study_without_rerankings_shows_its_failures(results: Path, tmp_path: Path) -> None:
    suite = json.loads((results / "suite.json").read_text())
    del suite["methods"]["better"]
    (results / "suite.json").write_text(json.dumps(suite))
    for path in [
        *results.rglob("better.json"),
        *results.rglob("better.npz"),
        *results.rglob("better.record.json"),
    ]:
        path.unlink()
    folder = write_report(results, tmp_path / "out").parent
    assert len(card_ids(folder)["queries-2.html"]) == len(QUERY_NAMES)
    page = Page((folder / "queries.html").read_text())
    assert "Gained and lost most" not in page.text
    shown = Page((folder / "queries-2.html").read_text())
    assert len([tag for tag, _ in shown.elements if tag == "use"]) == len(QUERY_NAMES) * (1 + 2 * 10)
    assert "was " not in shown.text


@pytest.mark.parametrize(
    ("one", "two"), [("a b", "a.20.b"), ("a.b", "a-b"), ("é", "e"), ("a_b", "a-b"), ("A", "a"), ("", ".")]
)
def test_other_names_have_other_anchors(one: str, two: str) -> None:
    assert query_anchor(one) != query_anchor(two)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", query_anchor(one))
