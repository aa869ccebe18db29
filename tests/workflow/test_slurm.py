"""The suite `mini` on a real SLURM, through killed jobs and a lost node, against the same on this machine.

The suite has methods of each kind of job, its timing, its ablation and its indexes; its pictures are smaller and fewer,
and it searches without distractors.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cluster_runs
import numpy as np
import pytest
import slurm_cluster
import yaml
from cluster_runs import HERE, start
from compared_runs import differences, rankings, tables
from runs import ROOT, Snakemake, command

pytestmark = pytest.mark.workflow

PICTURES = {"seed": 0, "size": 128, "landmarks": 4, "distractors": 0}
TIMING = {"shortlist": 10, "sizes": [5], "queries": 2, "repeats": 3, "budget": 0.1}
# One that reads the search, one that reranks it with descriptors, one with local features.
METHODS = ("single-stage", "superglobal", "rootsift")
# A rule that holds more than it asked for at first, and less than it asks for when it comes again.
HUNGRY = """
rule hungry:
    output: "eaten"
    resources: mem_mb=lambda wildcards, attempt: 400 * attempt
    shell: "{PYTHON} -c 'import time; held = b\\"x\\" * 450_000_000; time.sleep(5)' && touch {{output}}"
"""
# Jobs that wait for the search; at least two are ready at once, for both nodes.
LATE = ("rule_short", "rule_rerank_local_", "rule_ablate_", "rule_sweep_", "rule_time_")


@dataclass(frozen=True)
class Outcome:
    """Finished runs on a cluster: where they lie, all jobs, what Snakemake said, and which jobs were ended."""

    folder: Path
    hungry: Path
    jobs: list[dict[str, str]]
    said: str
    killed: dict[str, str]
    lost: dict[str, str]

    def again(self, job: dict[str, str]) -> list[dict[str, str]]:
        """Return the later jobs that did the same."""
        same = [other for other in self.jobs if other["comment"] == job["comment"]]
        return [other for other in same if int(other["id"]) > int(job["id"])]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = yaml.safe_load((ROOT / "config/mini.yaml").read_text())
    content |= {"datasets": {"landmarks": {"label": "Landmarks", "synthetic": PICTURES}}, "timing": TIMING}
    content["distractors"] = False
    content["methods"] = {name: content["methods"][name] for name in METHODS}
    path = tmp_path_factory.mktemp("mini-suite") / "mini.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile with what docs/cluster.md says of a site with GPUs, for a single rule."""
    content = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    content["set-resources"]["extract"] = {"gpu": 1}
    path = tmp_path_factory.mktemp("profile") / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path.parent


@pytest.fixture(scope="module")
def on_cluster(tmp_path_factory: pytest.TempPathFactory, suite: Path, profile: Path) -> Outcome:
    """The suite run on two nodes, of which one is lost, with a job killed before."""
    absent = cluster_runs.missing()
    if absent is not None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(absent)
    folder, hungry = tmp_path_factory.mktemp("on-cluster"), tmp_path_factory.mktemp("hungry")
    (hungry / "Snakefile").write_text(HUNGRY.format(PYTHON=sys.executable))
    with slurm_cluster.cluster(tmp_path_factory.mktemp("slurm")) as slurm:
        options = ["--workflow-profile", str(profile), *HERE]
        run = start(slurm, folder, *command(folder, suite, *options)[3:])
        beside = start(slurm, hungry, *options)
        try:
            killed = working(slurm, run, "rule_extract_")
            slurm.ask("scancel", "--signal=KILL", "--full", killed["id"])
            assert beside.wait(900) == 0, f"{(hungry / 'said').read_text()}\n{slurm.said()}"
            # Late, so that both nodes do most of the work.
            lost = working(slurm, run, *LATE, node="n2")
            slurm.lose("n2")
            code = run.wait(1500)
        finally:
            run.kill()
            beside.kill()
        text = (folder / "said").read_text()
        assert code == 0, f"{text}\n{slurm.said()}"
        jobs = sorted(slurm.jobs(), key=lambda job: int(job["id"]))
        return Outcome(folder, hungry, jobs, text, killed, lost)


def working(
    slurm: slurm_cluster.Slurm, run: subprocess.Popen[bytes], *named: str, node: str | None = None
) -> dict[str, str]:
    """Wait until a job of one of such names is at work, on that node where one is given, and return it."""
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        assert run.poll() is None, "the run ended too early"
        for job in slurm.jobs("running"):
            if job["comment"].startswith(named) and node in (None, job["node"]):
                commands = [command_line(process) for process in slurm.processes(job["node"])]
                if any("/superglobal " in line for line in commands):
                    return job
        time.sleep(0.2)
    raise AssertionError(f"no job {named} was at work: {slurm.jobs()}\n{slurm.said()}")


def command_line(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@pytest.fixture(scope="module")
def here(
    tmp_path_factory: pytest.TempPathFactory, suite: Path, snakemake: Snakemake, on_cluster: Outcome
) -> Path:
    """The folder of the same suite's run on this machine."""
    folder = tmp_path_factory.mktemp("here")
    done = snakemake(folder, suite)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_killed_job_comes_again_with_more_memory(on_cluster: Outcome) -> None:
    states = {job["id"]: job["state"] for job in on_cluster.jobs}
    assert states[on_cluster.killed["id"]] in ("FAILED", "CANCELLED")
    assert f"SLURM-job '{on_cluster.killed['id']}' failed" in on_cluster.said
    again = on_cluster.again(on_cluster.killed)
    assert again[-1]["state"] == "COMPLETED"
    assert (on_cluster.killed["memory"], again[0]["memory"]) == ("8000M", "16000M")
    assert list(on_cluster.folder.glob(f"results/slurm-logs/**/{on_cluster.killed['id']}.log"))


def test_a_job_that_takes_more_memory_than_it_asked_for_comes_again_with_more(on_cluster: Outcome) -> None:
    first, second = [job for job in on_cluster.jobs if job["comment"].startswith("rule_hungry")]
    assert (first["state"], first["memory"]) == ("FAILED", "400M")
    assert (second["state"], second["memory"]) == ("COMPLETED", "800M")
    (log,) = on_cluster.hungry.glob(f"results/slurm-logs/**/{first['id']}.log")
    assert "exceeded memory limit" in log.read_text()
    assert (on_cluster.hungry / "eaten").exists()


def test_what_ran_on_a_lost_node_is_done_on_the_other(on_cluster: Outcome) -> None:
    states = {job["id"]: job["state"] for job in on_cluster.jobs}
    assert states[on_cluster.lost["id"]] == "NODE_FAIL"
    last = on_cluster.again(on_cluster.lost)[-1]
    assert (last["state"], last["node"]) == ("COMPLETED", "n1")


def test_small_jobs_share_an_allocation_and_clocks_have_a_node_alone(on_cluster: Outcome) -> None:
    whole = [job for job in on_cluster.jobs if job["comment"].startswith("rule_time_")]
    assert {job["shared"] for job in whole} == {"NO"}
    alone = [job for job in on_cluster.jobs if job["comment"].startswith(("rule_evaluate", "rule_rerank_w"))]
    assert alone == []
    # Two rankings and three evaluations take turns: the memory is that of the largest of them.
    first, *more = [job for job in on_cluster.jobs if job["comment"].startswith("rule_short")]
    assert first["memory"] == "3000M"
    assert len(more) <= 1


def test_gpus_are_asked_for_where_the_profile_says_so(on_cluster: Outcome) -> None:
    asking = {job["comment"].partition("_superglobal")[0] for job in on_cluster.jobs if "gpu" in job["gpus"]}
    assert asking == {"rule_extract_wildcards"}


def test_the_tables_are_those_of_a_run_on_this_machine(on_cluster: Outcome, here: Path) -> None:
    assert {"map.csv", "per_query.csv", "ablation.csv", "tuning.csv"} <= set(tables(here, "mini"))
    assert len(rankings(here, "mini")) == len(METHODS)
    assert differences(on_cluster.folder, here, "mini") == []


def test_what_differs_between_runs_is_named(here: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for part in ("reports/mini", "results/mini/rankings"):
        shutil.copytree(here / part, other / part)
    assert differences(here, other, "mini") == []

    table = other / "reports/mini/map.csv"
    text = table.read_text()
    table.write_text(re.sub(r"\b20\d\d-", "1999-", text))  # the dates alone
    assert differences(here, other, "mini") == []
    table.write_text(text.replace("superglobal", "superlocal", 1))
    first, second, _ = rankings(other, "mini")
    with np.load(other / first) as arrays:
        np.savez(other / first, **(dict(arrays) | {"indices": arrays["indices"][:, ::-1]}))
    (other / second).unlink()
    (other / "reports/mini/verdict.csv").unlink()
    assert differences(here, other, "mini") == [
        "table map.csv",
        "table verdict.csv",
        f"ranking {first}",
        f"ranking {second}",
    ]
