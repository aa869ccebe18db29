"""What was downloaded and is gone is downloaded again, whatever its record says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from runs import MINI, TINY, Snakemake
from servers import Server, without_proxies
from tarballs import PHOTOS, tarball

from superglobal_core.steps.items import record_of
from superglobal_core.steps.needs import generation_of

pytestmark = pytest.mark.workflow


def test_what_is_gone_comes_again(
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
            done = snakemake(tmp_path, tmp_path / "tiny.yaml", "--printshellcmds", target, *arguments)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout + done.stderr

        run()
        assert generation_of("mine", tmp_path / "data").is_file()
        shutil.rmtree(tmp_path / "data/mine")
        shutil.rmtree(tmp_path / "results")
        assert record_of("mine", tmp_path / "data").is_file()
        planned = run("-n", "--quiet", "rules")
        assert "\ndownload " in planned
        assert "\ngroundtruth " in planned
