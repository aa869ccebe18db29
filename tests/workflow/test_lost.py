"""What was downloaded and is gone comes again, and nothing is computed anew for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from runs import MINI, TINY, Snakemake
from servers import Server, without_proxies
from tarballs import PHOTOS, tarball

from superglobal_core.steps.items import record_of

pytestmark = pytest.mark.workflow


def test_what_is_gone_comes_again_once(
    tmp_path: Path, snakemake: Snakemake, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxies(monkeypatch)
    files = {"gnd.pkl": b"\x80\x04}.", "a.tgz": tarball(PHOTOS)}
    target = "results/tiny/data/a/groundtruth.pkl"
    with Server(files) as server:
        entry = {
            "title": "t",
            "kind": "dataset",
            "folder": "mine",
            "groundtruth": "gnd.pkl",
            "licence": "CC0",
        }
        urls = {name: [server.url(name)] for name in files}
        entry["files"] = [  # type: ignore[assignment]
            {"name": "gnd.pkl", "urls": urls["gnd.pkl"], "format": "pickle"},
            {"name": "a.tgz", "urls": urls["a.tgz"], "format": "tar.gz", "unpack": "jpg"},
        ]
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"mine": entry}))
        suite = TINY | {"catalogues": ["mine.yaml"], "root": "data", "datasets": {"a": {"download": "mine"}}}
        suite["descriptors"] = {"mini": {"extract": MINI}}
        (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(suite))

        def run(*arguments: str) -> str:
            done = snakemake(tmp_path, tmp_path / "tiny.yaml", target, *arguments)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout + done.stderr

        run()
        (tmp_path / "data/mine/jpg/photo_1.jpg").unlink()
        for _ in range(2):  # a dry run changes nothing
            planned = run("-n", "--quiet", "rules")
            assert "download" in planned
            assert "groundtruth" not in planned.partition("\njob ")[2]
        # With the results gone as well, it must come before it is used.
        shutil.rmtree(tmp_path / "data/mine")
        shutil.rmtree(tmp_path / "results")
        run()
        assert (tmp_path / target).is_file()
        assert (tmp_path / "data/mine/jpg/photo_1.jpg").read_bytes() == PHOTOS["photo_1.jpg"]
        assert record_of("mine", tmp_path / "data").is_file()
        assert "Nothing to be done" in run("-n")
