"""The plan of the suites that download, without a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from runs import ROOT, command, environment

pytestmark = pytest.mark.workflow


def planned(folder: Path, suite: str, *arguments: str) -> str:
    program = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "-n",
        "--quiet",
        "rules",
    ]
    done = subprocess.run(
        [*program, "--cores", "1", "--directory", str(folder), "--configfile", str(ROOT / suite), *arguments],
        cwd=folder,
        # An address that refuses every connection, so that a plan that asked the network would fail.
        env={**environment(), "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def jobs(output: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", output, re.M)}


def test_the_paper_is_planned_with_its_gigabytes(tmp_path: Path) -> None:
    (tmp_path / "data/checkpoints").mkdir(parents=True)
    (tmp_path / "data/checkpoints/CVPR2022_CVNet_R101.pyth").write_bytes(b"by hand")
    output = planned(tmp_path, "config/paper.yaml")
    assert jobs(output)["distractor_archive"] == 100
    # Two data sets, the descriptor's own network and another backbone; tuned on each, reported on the other.
    assert (jobs(output)["ablate"], jobs(output)["sweep"], jobs(output)["tune"]) == (4, 2, 2)
    assert jobs(output)["download"] == 6
    assert re.search(r"^roxford5k +1\.94 GB  0 of 2 files there, 1\.94 GB to download$", output, re.M)
    assert re.search(r"^revisitop1m +400 GB  0 of 101 files there", output, re.M)
    assert re.search(r"^cvnet-r101 +217 MB  1 of 1 files there, 0 B to download$", output, re.M)


@pytest.mark.parametrize(
    "arguments", [("config/paper-small.yaml",), ("config/paper.yaml", "--config", "distractors=false")]
)
def test_without_distractors_no_archive_of_them_is_planned(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    output = planned(tmp_path, *arguments)
    assert not {"distractor_archive", "gather"} & set(jobs(output))
    assert jobs(output)["download"] == 5
    assert "revisitop1m" not in output


def test_a_subset_takes_as_many_archives_as_it_needs(tmp_path: Path) -> None:
    output = planned(tmp_path, "config/paper.yaml", "--config", "distractors=10000")
    assert jobs(output)["distractor_archive"] == 2
    assert jobs(output)["gather"] == 4


def test_a_data_set_without_images_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "mine: {title: t, kind: dataset, folder: mine, groundtruth: g, licence: l, files: [{name: g, urls: []}]}"
    )
    suite = yaml.safe_load((ROOT / "config/paper-small.yaml").read_text())
    suite |= {"catalogues": ["mine.yaml"], "datasets": {"a": {"download": "mine"}}, "ablation": None}
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite))
    done = subprocess.run(
        command(tmp_path, tmp_path / "suite.yaml", "-n"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "WorkflowError" in said
    assert "mine, of which the catalogue downloads no images" in said
    assert "TypeError" not in said
