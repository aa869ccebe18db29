"""What the tests share: the golden values, pictures to describe, and a small network."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers import Done, Label, Run, groundtruth_content
from hypothesis import settings

# Read when torch is loaded, hence before: threads that wait leave the cores to whoever else tests here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# What the library remembers of its sources is the user's; tests remember theirs below their own temporary folder.
os.environ["XDG_CACHE_HOME"] = str(Path(tempfile.gettempdir()) / f"superglobal-tests-{os.getuid()}" / "cache")

# What a search for counterexamples finds by chance is for a person to see, not to stop a build.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Side by side, each process takes whole modules, for their fixtures' sake.

    Those that run Snakemake share the costliest fixtures: they count as one module, the first. The cluster
    shares none, and is the second.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Modules(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = Path(nodeid.partition("::")[0])
            shared = module.parent.name == "workflow" and module.stem != "test_slurm"
            return "workflow" if shared else str(module)

    config.option.loadscopereorder = False
    return Modules(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the workflow, which takes longest; leave out the tests marked `gpu` where there is no GPU.

    The summary counts what is left out as deselected.
    """
    items.sort(key=lambda item: item.path.parent.name != "workflow")
    import torch

    if torch.cuda.is_available():
        return
    without_gpu = [item for item in items if "gpu" not in item.keywords]
    config.hook.pytest_deselected(items=[item for item in items if "gpu" in item.keywords])
    items[:] = without_gpu


def pytest_report_header() -> str:
    """Say it where the tests marked `gpu` are left out."""
    import torch

    found = torch.cuda.is_available()
    return "CUDA device: " + (
        torch.cuda.get_device_name(0) if found else "none, tests marked gpu are left out"
    )


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the golden values and real data (SUPERGLOBAL_SHARED; by default beside the repository)."""
    folder = Path(os.environ.get("SUPERGLOBAL_SHARED", ROOT.parent / "shared"))
    if not (folder / "golden").is_dir():
        message = f"there are no golden values in {folder}: name their folder in SUPERGLOBAL_SHARED"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mini network of random weights."""
    import torch

    from superglobal_core.networks.checkpoints import save_checkpoint
    from superglobal_core.networks.descriptor import GlobalDescriptor

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("mini") / "mini.safetensors"
    save_checkpoint(path, GlobalDescriptor("mini"), {"made for": "tests"})
    return path


@pytest.fixture
def write_groundtruth(tmp_path: Path) -> Callable[..., Path]:
    """Write a ground truth of given labels to a `.pkl`."""

    def write(images: int, labels: Sequence[tuple[Label, Label, Label]], name: str = "gnd_small.pkl") -> Path:
        path = tmp_path / name
        path.write_bytes(pickle.dumps(groundtruth_content(images, labels)))
        return path

    return write


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""

    from superglobal_core import cli

    def run(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as caught:
            cli.main([str(argument) for argument in arguments])
        code = caught.value.code
        return Done(code if isinstance(code, int) else 1, *capfd.readouterr())

    return run
