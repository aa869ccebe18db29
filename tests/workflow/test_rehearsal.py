"""The suite `paper` from nothing to its tables, every download from a server on loopback."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from runs import ROOT, environment
from servers import Server
from stand_ins import ABSENT, AN_ARCHIVE, CORRUPT, PARTS, address, catalogue, files_of, served

from superglobal_core.data.catalogue import load_catalogue

pytestmark = pytest.mark.workflow

R101 = "CVPR2022_CVNet_R101.pyth"
DESCRIPTORS = ("superglobal-r50", "cvnet-global-r101")
TRUNCATED = "oxbuild_images-v1.tgz"
USED = PARTS * AN_ARCHIVE - 1  # one does not decode


def command(folder: Path, *arguments: str) -> list[str]:
    program = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--directory",
        str(folder),
    ]
    suites = ["--configfile", str(folder / "paper.yaml")]
    # Two small jobs beside each other instead of one with all threads.
    two = ["--cores", "2", "--resources", "gpu=2", "--set-threads"]
    rules = ("extract", "search", "rerank", "distractor_archive")
    return [*program, *suites, *two, *(f"{rule}=1" for rule in rules), *arguments]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, *arguments),
        cwd=folder,
        env={**environment(), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )


def killed_during_distractors(folder: Path) -> None:
    """Run until the first distractors are described, then kill everything at once."""
    process = subprocess.Popen(
        command(folder),
        cwd=folder,
        env={**environment(), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not list(folder.glob("results/paper/features/*/revisitop1m/part-*/shard-*.npy")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.fixture(scope="module")
def stand_ins(shared: Path) -> dict[str, bytes]:
    return files_of(shared)


@pytest.fixture(scope="module")
def server(stand_ins: dict[str, bytes]) -> Iterator[Server]:
    first = load_catalogue()["roxford5k"].files[1]
    assert first.name == TRUNCATED
    paths = served(stand_ins)
    whole = stand_ins[TRUNCATED]
    paths[address("", first.urls[0])[1:]] = whole[: len(whole) // 2]
    with Server(paths) as running:
        yield running


@pytest.fixture(scope="module")
def rehearsal(stand_ins: dict[str, bytes], server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the suite ran, was killed in the middle, and ran to its end."""
    folder = tmp_path_factory.mktemp("rehearsal")
    (folder / "stand-ins.yaml").write_text(catalogue(server.address, stand_ins))
    suite = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    # Both networks and both presets, each once: the other two pairs would only take time.
    suite["descriptors"] = {name: suite["descriptors"][name] for name in DESCRIPTORS}
    # The ablation has tests of its own.
    suite |= {"catalogues": ["stand-ins.yaml"], "bootstrap": 0, "ablation": None}
    (folder / "paper.yaml").write_text(yaml.safe_dump(suite))
    # Its only source is a folder that people open in a browser.
    by_hand = folder / "data/checkpoints" / R101
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(stand_ins[R101])
    killed_during_distractors(folder)
    subprocess.run([sys.executable, str(ROOT / "tools/unlock.py")], cwd=folder, check=True)
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_figure_of_the_paper_has_its_row_with_the_distractors_used(rehearsal: Path) -> None:
    rows = list(csv.DictReader((rehearsal / "reports/paper/map.csv").open()))
    assert len(rows) == len(DESCRIPTORS) * 2 * 2 * 2  # data sets, without and with distractors, methods
    assert {int(row["distractors"]) for row in rows} == {0, USED}
    assert all(0 < float(row["medium_map_percent"]) <= 100 for row in rows)


def test_the_list_of_what_really_exists_is_written_down(rehearsal: Path) -> None:
    folders = list(rehearsal.glob("results/paper/features/*/revisitop1m/distractors"))
    assert len(folders) == len(DESCRIPTORS)
    for folder in folders:
        record = json.loads((folder / "record.json").read_text())
        facts = record["parameters"]
        assert facts["listed"] == PARTS * AN_ARCHIVE + len(ABSENT)
        assert facts["in_archives"] == PARTS * AN_ARCHIVE
        assert facts["undecodable"] == 1
        assert facts["used"] == USED == len((folder / "images.txt").read_text().split())
        assert set(ABSENT) < set((folder / "missing.txt").read_text().split())


def test_the_images_of_distractors_are_gone_and_the_others_are_there(rehearsal: Path) -> None:
    data = rehearsal / "data"
    assert not list(data.glob("revisitop1m/jpg/**/*.jpg"))
    assert not list(data.rglob("*.gz"))
    assert not list(data.rglob("*.tgz"))
    assert not list(data.rglob(".partial-*"))
    for name in CORRUPT:
        assert (data / "rparis6k/jpg" / f"{name}.jpg").is_file()


def test_everything_was_downloaded_once_and_the_truncated_archive_from_the_mirror(
    rehearsal: Path, server: Server
) -> None:
    manifest = json.loads((rehearsal / "data/MANIFEST.json").read_text())["files"]
    mirror = load_catalogue()["roxford5k"].files[1].urls[1]
    assert manifest[f"roxford5k/{TRUNCATED}"]["source"] == address(server.address, mirror)
    assert "by hand" in manifest[f"checkpoints/{R101}"]["source"]
    asked = [request.address for request in server.asked]
    assert asked.count("/ptak.felk.cvut.cz/revisitop/revisitop1m/revisitop1m.txt") == 1
    for part in range(1, PARTS + 1):
        path = f"/ptak.felk.cvut.cz/revisitop/revisitop1m/jpg/revisitop1m.{part}.tar.gz"
        # Killed between download and deletion, an archive is there still; otherwise it comes once more.
        assert 1 <= asked.count(path) <= 2


def test_the_plan_needs_no_network_and_a_second_run_does_nothing(rehearsal: Path) -> None:
    again = run(rehearsal, "-n")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Nothing to be done" in again.stdout + again.stderr


def test_another_setting_describes_the_distractors_again(rehearsal: Path) -> None:
    suite = yaml.safe_load((rehearsal / "paper.yaml").read_text())
    suite["descriptors"]["superglobal-r50"]["extract"]["scales"] = [1.0]
    (rehearsal / "changed.yaml").write_text(yaml.safe_dump(suite))
    planned = run(rehearsal, "-n", "--configfile", str(rehearsal / "changed.yaml"))
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert re.search(rf"^distractor_archive +{PARTS}$", planned.stdout + planned.stderr, re.M)
