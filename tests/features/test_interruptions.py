"""Real processes that are killed, or that run out of disk, in the middle of an extraction."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

from helpers import write_pictures

from superglobal_core.features.store import FeatureStore

IMAGES, SHARD = 40, 2
KILLS = 3
# Enough for a sidecar and for what the interpreter writes, too little for 20 rows of 256 numbers.
MOST_BYTES = 8192


def command(images: Path, checkpoint: Path, out: Path, shard_size: int = SHARD) -> list[str]:
    options = ["--images", images, "--checkpoint", checkpoint, "--backbone", "mini", "--out", out]
    return [
        sys.executable,
        "-m",
        "superglobal_core",
        "extract",
        *map(str, options),
        "--shard-size",
        str(shard_size),
    ]


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("shard-*.npy")}


def killed(arguments: list[str], out: Path, shards_first: int, then_s: float) -> bool:
    """Start a process and kill it some time after so many new shards; False when it ended before."""
    wanted = len(list(out.glob("shard-*.npy"))) + shards_first
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    pause = 0.002
    while True:
        if len(list(out.glob("shard-*.npy"))) >= wanted:
            pause = then_s
        try:
            process.communicate(timeout=pause)
        except subprocess.TimeoutExpired:
            if pause == then_s:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                return process.returncode == -signal.SIGKILL
        else:
            return False


def test_killed_and_gone_on_gives_the_same_bytes(tmp_path: Path, checkpoint: Path) -> None:
    write_pictures(tmp_path / "images", [f"{number:02}" for number in range(IMAGES)])
    subprocess.run(
        command(tmp_path / "images", checkpoint, tmp_path / "whole"), check=True, capture_output=True
    )
    whole = shards(tmp_path / "whole")
    assert len(whole) == IMAGES // SHARD
    out, chance = tmp_path / "out", random.Random(0)
    out.mkdir()
    kills = 0
    for _ in range(KILLS):
        # Behind a shard the next one is under way: its images, its sidecar, its array.
        kills += killed(
            command(tmp_path / "images", checkpoint, out),
            out,
            chance.randint(1, 4),
            chance.uniform(0.001, 0.03),
        )
        left = shards(out)
        assert left.items() <= whole.items()
        assert {name.replace(".npy", ".json") for name in left} <= {path.name for path in out.iterdir()}
    assert kills, "every run ended before it was killed"
    done = subprocess.run(
        command(tmp_path / "images", checkpoint, out), check=True, capture_output=True, text=True
    )
    assert f"{len(left)} of {len(whole)} shards were there" in done.stdout
    assert shards(out) == whole
    assert not list(out.glob(".partial-*"))
    assert FeatureStore.open(out).ids == [f"{number:02}" for number in range(IMAGES)]


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, checkpoint: Path) -> None:
    write_pictures(tmp_path / "images", [f"{number:02}" for number in range(20)])
    done = subprocess.run(
        command(tmp_path / "images", checkpoint, tmp_path / "out", shard_size=100),
        capture_output=True,
        text=True,
        preexec_fn=limit_files,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith(
        f"superglobal: cannot write {tmp_path / 'out' / 'shard-00000.npy'}: File too large"
    )
    assert [path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".json"] == []
