"""Archives of distractors are jobs of their own: each on a GPU of its own, and one that fails stops no other."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from runs import MINI, TINY, command, environment
from servers import Server
from tarballs import PHOTOS, tarball

pytestmark = pytest.mark.workflow

BROKEN = 2
PARTS = {
    part: tarball({f"{part}_{name}": content for name, content in list(PHOTOS.items())[:2]})
    for part in (1, 2, 3)
}
# Python reads it at its start: two GPUs where there are none, and the work is done by the processor. Each
# process leaves its number and its GPU, and waits for another one to have done so.
PRETENDED = """
import os, time
from pathlib import Path
import superglobal_core.devices as devices

choose = devices.choose_device

def choose_device(name):
    import torch
    torch.cuda.device_count, torch.cuda.is_available = lambda: 2, lambda: True
    chosen = choose(name)
    torch.cuda.is_available = lambda: False
    folder = Path(os.environ["CHOSEN"])
    (folder / f"{os.environ['CUDA_VISIBLE_DEVICES']}-{os.getpid()}").write_text(chosen.type)
    deadline = time.monotonic() + 60
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    return torch.device("cpu")

devices.choose_device = choose_device
"""


@dataclasses.dataclass(frozen=True)
class Archives:
    """Where the suite runs, and the server of its archives."""

    folder: Path
    server: Server

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        targets = ["data/records/mine.json"]
        targets += [f"results/tiny/features/mini/many/part-{part:03d}/record.json" for part in PARTS]
        variables = environment()
        variables["PYTHONPATH"] = os.pathsep.join([str(self.folder / "pretended"), variables["PYTHONPATH"]])
        for name in ("http_proxy", "all_proxy", "CUDA_VISIBLE_DEVICES", "SUPERGLOBAL_CLAIMED_GPU"):
            variables.pop(name, None)
            variables.pop(name.upper(), None)
        own = {"OMP_NUM_THREADS": "1", "CHOSEN": str(self.chosen), "TMPDIR": str(self.folder / "temporary")}
        return subprocess.run(
            command(self.folder, self.folder / "tiny.yaml", *arguments, "--", *targets),
            cwd=self.folder,
            env=variables | own,
            capture_output=True,
            text=True,
            timeout=600,
        )

    @property
    def chosen(self) -> Path:
        return self.folder / "chosen"

    def asked(self, *names: str) -> list[int]:
        addresses = [request.address for request in self.server.asked]
        return [addresses.count(f"/{name}") for name in names]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archives]:
    """A suite with three archives, one of which the server has cut short, and a data set that lacks a file."""
    folder = tmp_path_factory.mktemp("archives")
    for name in ("pretended", "chosen", "temporary"):
        (folder / name).mkdir()
    (folder / "pretended/sitecustomize.py").write_text(PRETENDED)
    files = {f"many.{part}.tar.gz": content for part, content in PARTS.items()}
    whole = files[f"many.{BROKEN}.tar.gz"]
    files[f"many.{BROKEN}.tar.gz"] = whole[: len(whole) // 2]
    files["a.tgz"] = tarball(PHOTOS)
    with Server(files) as server:
        photos = {"name": "a.tgz", "urls": [server.url("a.tgz")], "format": "tar.gz", "unpack": "jpg"}
        gnd = {"name": "gnd.pkl", "urls": [server.url("gnd.pkl")], "format": "pickle"}
        parts = {
            "count": len(PARTS),
            "name": "many.{part}.tar.gz",
            "urls": [server.url("many.{part}.tar.gz")],
        }
        mine = {"kind": "dataset", "folder": "mine", "groundtruth": "gnd.pkl", "files": [gnd, photos]}
        entries = {"mine": mine, "many": {"kind": "distractors", "folder": "many", "parts": parts}}
        written = {name: {"title": "t", "licence": "CC0", **entry} for name, entry in entries.items()}
        (folder / "mine.yaml").write_text(yaml.safe_dump(written))
        suite = TINY | {"catalogues": ["mine.yaml"], "root": "data", "distractor_set": "many"}
        suite["datasets"] = {"a": {"download": "mine"}}
        suite["descriptors"] = {"mini": {"extract": {**MINI, "scales": [1.0]}}}
        (folder / "tiny.yaml").write_text(yaml.safe_dump(suite))
        yield Archives(folder, server)


@pytest.fixture(scope="module")
def failed(archives: Archives) -> str:
    """What a run says in which an archive and a file cannot be had."""
    done = archives.run("--resources", "gpu=2", "--set-threads", "distractor_archive=1")
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout + done.stderr


def described(archives: Archives) -> list[int]:
    records = archives.folder.glob("results/tiny/features/mini/many/part-*/record.json")
    return sorted(int(record.parent.name.removeprefix("part-")) for record in records)


def test_the_others_go_on_and_only_what_failed_is_fetched_again(archives: Archives, failed: str) -> None:
    assert described(archives) == [1, 3]
    assert archives.asked("many.1.tar.gz", "many.2.tar.gz", "many.3.tar.gz") == [1, 3, 1]
    assert archives.asked("a.tgz", "gnd.pkl") == [1, 3]


def test_two_jobs_at_once_have_a_gpu_each(archives: Archives, failed: str) -> None:
    marks = {path.name.split("-")[0]: path.read_text() for path in archives.chosen.iterdir()}
    assert marks == {"0": "cuda", "1": "cuda"}
    assert len(list(archives.chosen.iterdir())) == 2


def test_what_failed_is_named_last_with_its_log_and_how_to_go_on(failed: str) -> None:
    (sentence,) = re.findall(r"^Not finished: .*$", failed, re.M)
    logs = "results/tiny/logs"
    assert sentence.startswith(
        f"Not finished: the download mine ({logs}/download/mine.log); "
        f"and archive {BROKEN} of many ({logs}/distractors/many/002.log). "
    )
    assert "goes on with what is left: snakemake " in sentence
    assert "tiny.yaml" in sentence
    assert failed.index(sentence) > failed.rindex("Error in rule")


def test_once_it_can_be_had_only_it_is_done(archives: Archives, failed: str) -> None:
    assert isinstance(archives.server.files, dict)
    archives.server.files |= {f"many.{BROKEN}.tar.gz": PARTS[BROKEN], "gnd.pkl": b"\x80\x04}."}
    done = archives.run()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.search(r"^distractor_archive +1$", said, re.M), said
    assert "Not finished" not in said
    assert described(archives) == [1, 2, 3]
    assert archives.asked("many.1.tar.gz", "many.3.tar.gz", "a.tgz") == [1, 1, 1]
