"""What is said of downloads that were begun and are not done."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from superglobal_core.config import parse_suite
from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.steps.items import record_of
from superglobal_core.steps.needs import Needs, needs_of
from superglobal_core.steps.unfinished import unfinished

ROOT = Path(__file__).parents[2]
COMMAND = ["snakemake", "--configfile", "my suite.yaml"]


@pytest.fixture
def needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Needs:
    monkeypatch.chdir(tmp_path)
    paper = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    return needs_of(parse_suite({**paper, "root": "data"}, "the suite"), load_catalogue())


def begin(log: str) -> None:
    path = Path("results/logs") / log
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("...")


def describe(needs: Needs, part: int, count: int | None = None) -> None:
    for name in list(needs.suite.descriptors)[:count]:
        record = Path(f"results/features/{name}/revisitop1m/part-{part:03d}/record.json")
        record.parent.mkdir(parents=True)
        record.write_text("{}")


def test_what_was_never_begun_or_is_done_is_not_named(needs: Needs) -> None:
    assert unfinished(needs, "results", COMMAND) is None
    begin("download/roxford5k.log")
    record_of("roxford5k", "data").parent.mkdir(parents=True)
    record_of("roxford5k", "data").write_text("{}")
    begin("distractors/revisitop1m/004.log")
    describe(needs, 4)
    assert unfinished(needs, "results", COMMAND) is None


def test_archives_and_downloads_are_named_with_their_logs(needs: Needs) -> None:
    for part in (3, 17, 100):
        begin(f"distractors/revisitop1m/{part:03d}.log")
    describe(needs, 17)
    describe(needs, 100, count=1)  # by one descriptor only
    begin("download/cvnet-r50.log")
    logs = "results/logs/distractors/revisitop1m"
    assert unfinished(needs, "results", COMMAND) == (
        "Not finished: the download cvnet-r50 (results/logs/download/cvnet-r50.log); "
        f"and archives 3, 100 of revisitop1m ({logs}/003.log, {logs}/100.log). "
        "The logs say why; what is done is kept, and the same command goes on with what is left: "
        "snakemake --configfile 'my suite.yaml'"
    )
