"""What is counted of a suite, against counts made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from superglobal_core.config import load_suite, parse_suite
from superglobal_core.cost.work import Network, Work, check_countable, work_of
from superglobal_core.data.catalogue import Catalogue, load_catalogue
from superglobal_core.errors import UserError

ROOT = Path(__file__).parents[2]
SCALES = (768 * 1024 + int(768 * 0.7071) * int(1024 * 0.7071) + int(768 * 1.4142) * int(1024 * 1.4142)) / 1e6
R50, R101 = Network("resnet50", "float32"), Network("resnet101", "float32")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def of(name: str, catalogue: Catalogue) -> Work:
    return work_of(load_suite(ROOT / "config" / f"{name}.yaml"), catalogue)


def test_the_small_suite_describes_both_data_sets_by_four_descriptors(catalogue: Catalogue) -> None:
    work = of("paper-small", catalogue)
    plain = [one for one in work.passes if not one.what.startswith("ablation")]
    assert sum(one.images for one in plain) == 4 * (5063 + 6392)
    assert {one.network for one in plain} == {R50, R101}
    assert sum(one.megapixels for one in plain) == pytest.approx(4 * (5063 + 6392) * SCALES)
    assert len([one for one in work.passes if one.what.startswith("ablation")]) > 10
    # Queries are no part of the database that is searched.
    assert {(one.queries, one.rows) for one in work.searches} == {(70, 4993), (70, 6322)}
    assert work.archive_bytes < work.download_bytes < 5.1e9
    assert not work.not_counted


def test_a_million_distractors_pass_through_one_archive_at_a_time(catalogue: Catalogue) -> None:
    small, large = of("paper-small", catalogue), of("paper", catalogue)
    described = [sum(one.images for one in work.passes) for work in (small, large)]
    assert described[1] - described[0] == 4 * 1_001_001
    assert large.download_bytes - small.download_bytes == 100 * 4_000_000_000 + 45_000_000
    assert large.descriptor_bytes - small.descriptor_bytes == 4 * 1_001_001 * 2048 * 4
    # Images of the distractors do not stay, only their list.
    assert large.image_bytes - small.image_bytes == 45_000_000
    assert large.passing_bytes == int(4e9 * 2.02)
    assert {one.rows for one in large.searches} == {4993, 6322, 4993 + 1_001_001, 6322 + 1_001_001}


def test_switches_of_the_suite_count(catalogue: Catalogue) -> None:
    suite = load_suite(ROOT / "config" / "paper.yaml")
    less = work_of(suite.model_copy(update={"distractors": False}), catalogue)
    small = of("paper-small", catalogue)
    assert (less.passes, less.searches, less.download_bytes) == (
        small.passes,
        small.searches,
        small.download_bytes,
    )
    kept = work_of(suite.model_copy(update={"keep_distractor_images": True}), catalogue)
    assert kept.image_bytes - of("paper", catalogue).image_bytes == int(100 * 4e9 * 1.02)


def test_drawn_landmarks_and_what_is_not_counted(catalogue: Catalogue) -> None:
    suite = parse_suite(
        {
            "suite": "drawn",
            "title": "drawn",
            "datasets": {"landmarks": {"synthetic": {"landmarks": 4, "size": 128, "distractors": 30}}},
            "descriptors": {"mini": {"extract": {"backbone": "mini", "mode": "fast", "scales": [1.0]}}},
            "methods": {"none": {"reranker": "none"}, "local": {"reranker": "rootsift-magsac"}},
            "timing": {"budget": 2},
        },
        "drawn",
    )
    work = work_of(suite, catalogue)
    (only,) = work.passes
    assert (only.network, only.images) == (Network("mini", "bfloat16"), 6 + 80 + 30)
    assert only.megapixels == pytest.approx(116 * 128 * 128 / 1e6)
    assert work.descriptor_bytes == 116 * only.network.dimension * 2
    assert work.timing_s == 3 * 3 * 2
    assert (work.download_bytes, work.passing_bytes) == (0, 0)
    assert any("local" in each for each in work.not_counted)
    assert work.reranked == 0


def test_a_suite_without_data_sets_cannot_be_counted() -> None:
    with pytest.raises(UserError, match="has no datasets"):
        check_countable(load_suite(ROOT / "config" / "scale.yaml"))
