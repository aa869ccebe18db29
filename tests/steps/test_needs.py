"""What a suite needs to be downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from superglobal_core.config import load_suite, parse_suite
from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.errors import UserError
from superglobal_core.steps.needs import generation_of, needs_of

ROOT = Path(__file__).parents[2]
PAPER = yaml.safe_load((ROOT / "config/paper.yaml").read_text())


def needs(tmp_path: Path, **changes: object):
    if "datasets" in changes:
        changes = {"ablation": None, **changes}  # it names data sets too
    suite = parse_suite({**PAPER, "root": str(tmp_path), **changes}, "the suite")
    return needs_of(suite, load_catalogue())


def test_each_download_is_named_once(tmp_path: Path) -> None:
    found = needs(tmp_path)
    names = [entry.name for entry in found.entries]
    others = ["torchvision-resnet50"]  # the ablation's other backbone
    assert names == ["roxford5k", "rparis6k", "cvnet-r50", "cvnet-r101", *others, "revisitop1m"]
    assert found.parts == list(range(1, 101))
    assert "revisitop1m" in found.plan()


def test_without_distractors_they_are_not_needed(tmp_path: Path) -> None:
    found = needs(tmp_path, distractors=False)
    assert found.distractor_set is None
    assert found.parts == []
    small = needs_of(load_suite(ROOT / "config/paper-small.yaml"), load_catalogue())
    assert [entry.name for entry in small.entries] == [entry.name for entry in found.entries]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"datasets": {"a": {"download": "roxford"}}}, r"datasets\.a: unknown download 'roxford'.*roxford5k"),
        (
            {"datasets": {"a": {"download": "cvnet-r50"}}},
            r"datasets\.a names the checkpoint.*roxford5k, rparis6k",
        ),
        ({"distractor_set": "cvnet-r50"}, r"distractor_set names the checkpoint.*revisitop1m"),
    ],
)
def test_a_wrong_name_is_one_sentence(tmp_path: Path, changes: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        needs(tmp_path, **changes)


MINE = """
mine:
  title: Mine
  kind: dataset
  folder: mine
  groundtruth: gnd.pkl
  licence: CC0
  files: [{name: gnd.pkl, urls: []}]
"""


def test_a_data_set_without_images_is_for_existing_descriptors_only(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    catalogue = load_catalogue([tmp_path / "mine.yaml"])
    suite = {**PAPER, "ablation": None, "root": str(tmp_path), "datasets": {"a": {"download": "mine"}}}
    with pytest.raises(
        UserError, match=r"datasets\.a names mine, of which the catalogue downloads no images"
    ):
        needs_of(parse_suite(suite, "the suite"), catalogue)


def test_the_generation_changes_with_a_loss_and_stays_when_it_is_mended(tmp_path: Path) -> None:
    found = needs(tmp_path)
    record, note = tmp_path / "records/cvnet-r50.json", generation_of("cvnet-r50", tmp_path)
    weights = tmp_path / "checkpoints/CVPR2022_CVNet_R50.pyth"
    seen = [found.generation("cvnet-r50")]
    for folder in (record.parent, weights.parent):
        folder.mkdir()
    for content in ("once", "again", "once more"):
        # As the rule does: download, and write down which generation it was.
        weights.touch()
        record.write_text(content)
        note.write_text(f"{seen[-1]}\n")
        assert found.generation("cvnet-r50") == seen[-1]
        weights.unlink()
        seen.append(found.generation("cvnet-r50"))
    assert len(set(seen)) == len(seen)
