"""Every rule whose verb chooses a device takes a GPU, so that no more jobs run at once than there are."""

from __future__ import annotations

import re

import typer
from runs import ROOT

from superglobal_core.cli import app


def test_rules_of_verbs_with_a_device_take_a_gpu_and_no_others() -> None:
    verbs = {
        name: any(option.name == "device" for option in command.params)
        for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    }
    takes, needs = {}, {}
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        parts = re.split(r"^ *rule (\w+):", path.read_text(), flags=re.M)[1:]
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            (verb,) = re.findall(r'(?:"|; )superglobal ([\w-]+)', text) or [None]
            takes[name] = re.search(r"\bgpu=(1|GPU),", text) is not None
            needs[name] = verb is not None and verbs[verb]
    assert takes == needs
    assert {"extract", "distractor_archive", "search", "rerank", "local"} <= {
        n for n, gpu in takes.items() if gpu
    }
