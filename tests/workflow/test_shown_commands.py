"""What a suite's page shows to make a figure again is what its run did."""

from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import pytest
from runs import Snakemake

from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.lineage import steps_before, steps_by_output
from superglobal_core.steps.verify_results import verify_results

pytestmark = pytest.mark.workflow


def test_every_record_has_its_command_and_what_it_read(tiny_run: Path) -> None:
    study = read_study(tiny_run / "results/tiny")
    steps = {record.step for _, record in study.records}
    assert steps == {
        *("extract", "local", "search", "rerank", "evaluate", "time"),
        *("ablation-features", "ablate", "sweep", "tune", "approximate"),
    }
    for source, record in study.records:
        assert (record.command or "").startswith(f"superglobal {record.step} "), source
        assert str(tiny_run) not in (record.command or ""), source
        assert record.inputs, source
    # By local features: theirs of the queries, the database and the distractors are made before.
    last = next(record for source, record in study.records if source.endswith("distractors/rootsift.json"))
    made = [record.step for _, record in steps_before(last, steps_by_output(study.records))]
    assert sorted(made) == ["extract"] * 3 + ["local"] * 3 + ["rerank", "search"]
    assert made[-1] == "rerank"


def test_snakemake_finds_the_shown_targets_done(tiny_run: Path, snakemake: Snakemake) -> None:
    page = (tiny_run / "reports/tiny/provenance.html").read_text()
    shown = [
        html.unescape(text) for text in re.findall(r'<pre class="commands"[^>]*>(snakemake .*?)</pre>', page)
    ]
    assert len(shown) == 11  # six results, a timing, an ablation, a sweep, a tuning, an approximate search
    for text in (shown[0], shown[-1]):
        program, option, suite, *words = shlex.split(text)
        assert (program, option) == ("snakemake", "--configfile")
        done = snakemake(tiny_run, Path(suite), *words, "--dry-run")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Nothing to be done" in done.stdout + done.stderr


def test_a_run_verifies_itself(tiny_run: Path) -> None:
    done = verify_results(tiny_run / "results/tiny", tiny_run / "reports/tiny")
    assert done.agrees, list(done.lines())
    assert list(done.lines())[-1] == "12 agree, 0 disagree, 0 cannot be checked"
