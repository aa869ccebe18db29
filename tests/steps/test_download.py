"""Downloading by name, from a server on this machine to images and records on disk."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from helpers import encoded, picture
from servers import Answer, Server
from tarballs import tarball

from superglobal_core.cli import main

CORRUPT = encoded(picture(9), ".jpg")[:200]


@pytest.fixture
def server() -> Iterator[Server]:
    images = {f"paris/a/image_{number}.jpg": encoded(picture(number), ".jpg") for number in range(3)}
    files = {
        "gnd.pkl": b"\x80\x04.",
        "one.tgz": tarball(images),
        "two.tgz": tarball({"known.jpg": CORRUPT, "image_3.jpg": encoded(picture(3), ".jpg")}),
    }
    with Server(files) as running:
        yield running


@pytest.fixture
def catalogue(tmp_path: Path, server: Server) -> Path:
    def file(name: str, **more: object) -> dict[str, object]:
        return {"name": name, "urls": [f"{server.address}/mirror/{name}", f"{server.address}/{name}"], **more}

    archive = {"format": "tar.gz", "unpack": "jpg"}
    entry = {
        "title": "Landmarks of my own",
        "kind": "dataset",
        "folder": "mine",
        "groundtruth": "gnd.pkl",
        "licence": "CC0",
        "corrupt": ["known"],
        "files": [file("gnd.pkl", format="pickle"), file("one.tgz", **archive), file("two.tgz", **archive)],
    }
    path = tmp_path / "catalogue.yaml"
    path.write_text(yaml.safe_dump({"mine": entry}))
    return path


@pytest.fixture
def download(
    tmp_path: Path, catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run `superglobal download`; return its exit code and all it says."""

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["download", "--root", str(tmp_path / "data"), "--catalogue", str(catalogue), *arguments])
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out + said.err

    return run


def test_a_data_set_is_downloaded_unpacked_recorded_and_not_again(
    tmp_path: Path, server: Server, download: Callable[..., tuple[int, str]]
) -> None:
    code, said = download("mine", "--check-images")
    assert code == 0, said
    assert "1 are known to be corrupt: known" in said
    root = tmp_path / "data"
    assert len(list((root / "mine/jpg").iterdir())) == 5
    assert not list(root.rglob("*.tgz"))
    record = json.loads((root / "records/mine.json").read_text())
    assert record["parameters"]["files"]["mine/one.tgz"]["images"] == 3
    assert record["parameters"]["files"]["mine/one.tgz"]["source"] == f"{server.address}/one.tgz"
    requests = len(server.asked)
    code, said = download("mine")
    assert code == 0, said
    assert "were there" in said
    assert len(server.asked) == requests


def test_an_image_that_does_not_decode_is_listed(
    tmp_path: Path, server: Server, download: Callable[..., tuple[int, str]]
) -> None:
    server.files["one.tgz"] = tarball({"image_0.jpg": CORRUPT})  # type: ignore[index]
    code, said = download("mine", "--check-images")
    assert code == 2
    assert "image_0.jpg is cut short" in said
    assert "known" not in said


def test_a_wrong_count_of_images_is_never_done(
    tmp_path: Path, catalogue: Path, download: Callable[..., tuple[int, str]]
) -> None:
    content = yaml.safe_load(catalogue.read_text())
    content["mine"]["files"][1]["images"] = 4
    catalogue.write_text(yaml.safe_dump(content))
    root = tmp_path / "data"
    for _ in range(2):
        code, said = download("mine")
        assert code == 2
        assert "one.tgz holds 3 images where 4 are expected; nothing was unpacked" in said
        assert "with `images: 3` for one.tgz" in said
        assert not (root / "mine/jpg/image_0.jpg").exists()
        assert not (root / "records/mine.json").exists()
    # As it says: a correct catalogue, and the same command.
    content["mine"]["files"][1]["images"] = 3
    catalogue.write_text(yaml.safe_dump(content))
    assert download("mine")[0] == 0
    # What another count was believed of is not done either.
    content["mine"]["files"][1]["images"] = 2
    catalogue.write_text(yaml.safe_dump(content))
    assert "holds 3 images where 2" in download("mine")[1]


def test_an_interruption_ends_it_at_once_and_the_next_run_goes_on(
    tmp_path: Path, server: Server, catalogue: Path, download: Callable[..., tuple[int, str]]
) -> None:
    over = threading.Event()
    for name in ("one.tgz", "two.tgz"):
        server.plan(name, then=Answer(piece=100, hold=over))
    server.plan("gnd.pkl", then=Answer(piece=1, hold=over))
    command = [sys.executable, "-m", "superglobal_core", "download", "mine", "--parallel", "2"]
    partial = tmp_path / "data/mine/.partial-one.tgz"
    with subprocess.Popen(
        [*command, "--root", tmp_path / "data", "--catalogue", catalogue],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as run:
        while not partial.exists() or not partial.stat().st_size:
            assert run.poll() is None, run.communicate()
            time.sleep(0.01)
        start = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=20)
        assert time.monotonic() - start < 2
    assert run.returncode == 130
    assert said == "superglobal: interrupted; the same command goes on where it was\n"
    asked = {request.address for request in server.asked}
    assert "/two.tgz" not in asked  # not begun, and not begun afterwards
    size = partial.stat().st_size
    over.set()
    assert size
    server.asked.clear()
    assert download("mine")[0] == 0
    assert server.sent("one.tgz") == len(server.content("one.tgz") or b"") - size


def test_the_plan_asks_nobody(server: Server, download: Callable[..., tuple[int, str]]) -> None:
    code, said = download("mine", "roxford5k", "--plan")
    assert code == 0
    assert "mine" in said
    assert "0 of 3 files there" in said
    assert "1.94 GB to download" in said
    assert not server.asked


def test_one_failed_file_does_not_stop_the_others_and_says_where_to_put_it(
    tmp_path: Path, server: Server, download: Callable[..., tuple[int, str]]
) -> None:
    server.plan("two.tgz", then=Answer(status=404))
    code, said = download("mine")
    assert code == 2
    assert "two.tgz" in said
    assert str(tmp_path / "data/mine/two.tgz") in said
    assert (tmp_path / "data/mine/jpg/image_0.jpg").is_file()
    assert not (tmp_path / "data/records/mine.json").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "name what to download"),
        (("rome",), "unknown download 'rome'"),
        (("mine", "--parts", "1"), "leave it out"),
    ],
)
def test_mistakes_are_sentences(
    download: Callable[..., tuple[int, str]], arguments: tuple[str, ...], sentence: str
) -> None:
    code, said = download(*arguments)
    assert code == 2
    assert sentence in said
