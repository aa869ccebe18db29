"""check-method: built-in methods conform, and each kind of mistake is caught by the check that is for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import Run

from superglobal_core.methods.conformance.check import check_folder
from superglobal_core.methods.conformance.findings import Finding
from superglobal_core.methods.conformance.lacking import lacking
from superglobal_core.methods.folder import Needs
from superglobal_core.reranking.names import LOCAL_KINDS, METHOD_NAMES

FOLDER = Path(__file__).parents[2] / "workflow" / "methods"

GOOD = """
import numpy as np

class Method:
    def __init__(self, power=1.0):
        self.power = power

    def rerank(self, queries, candidates):
        scores = np.einsum("qd,qmd->qm", queries, candidates)
        scores = np.sign(scores) * abs(scores) ** self.power
        return np.argsort(-scores, axis=1, kind="stable")
"""
DESCRIPTION = """
label: made up
stage: reranker
runs: python
python: method.py:Method
citation: "@misc{made, title = {Made up}}"
"""
POWER = "parameters: {power: {default: 1.0, above: 0, most: 9, meaning: of similarities}}\n"


def write(folder: Path, code: str, description: str = "") -> Path:
    folder = folder / "made-up"
    folder.mkdir()
    (folder / "method.py").write_text(code)
    (folder / "method.yaml").write_text(DESCRIPTION + description)
    return folder


def failed(found: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.reason for finding in found if finding.state == "failed"}


def body(lines: str) -> str:
    """A class whose `rerank` has these lines before it returns the order of `scores`."""
    indented = "\n".join(f"        {line}" for line in lines.strip().splitlines())
    return GOOD.replace("        scores = np.sign", f"{indented}\n        scores = np.sign")


@pytest.mark.parametrize("name", METHOD_NAMES)
def test_built_in_methods_conform(name: str) -> None:
    found = check_folder(FOLDER / name)
    assert not failed(found), found
    if name.endswith("-asmk") and lacking(Needs(packages=["asmk"])):
        assert [str(finding) for finding in found[1:]] == ["everything else: left out: package asmk missing"]
        return
    left = {finding.check for finding in found if finding.state != "ok"}
    whole = {"no numbers refused"} if LOCAL_KINDS.get(name) == "rootsift" else set()
    random = {"a query's copy near the top"} if name in ("rrt", "cvnet-rerank") else set()
    assert left == whole | random
    assert len(found) == 15


def test_a_class_of_ones_own_conforms(tmp_path: Path) -> None:
    found = check_folder(write(tmp_path, GOOD, POWER))
    assert [finding.state for finding in found] == ["ok"] * 15, found


def test_a_subclass_of_reranker_conforms(tmp_path: Path) -> None:
    code = """
from superglobal_core.reranking.query_expansion import AverageQueryExpansion

class Method(AverageQueryExpansion):
    pass
"""
    found = check_folder(
        write(tmp_path, code, "parameters: {neighbours: {default: 3, least: 0, meaning: few}}\n")
    )
    assert [finding.state for finding in found] == ["ok"] * 15, found


# Mistakes: the check that is for it, what it says, and the code.
BROKEN = {
    "crashes": ("runs with its defaults", "ZeroDivisionError", body("1 / 0")),
    "wrong shape": (
        "shapes and types",
        "an order of the shape",
        GOOD.replace('kind="stable")', 'kind="stable")[:, :5]'),
    ),
    "no order": (
        "a permutation of the shortlist",
        "must hold the places 0 to 149 once",
        GOOD.replace("return np.argsort", "return 0 * np.argsort"),
    ),
    "no permutation of a longer one": (
        "a permutation of the shortlist",
        "must hold the places",
        body("if candidates.shape[1] < 100:\n    return np.zeros(candidates.shape[:2], int)"),
    ),
    "random": (
        "deterministic",
        "a fixed seed",
        body("scores = scores + np.random.default_rng().random(scores.shape)"),
    ),
    "global random state": (
        "deterministic",
        "a fixed seed",
        body("scores = scores + np.random.random(scores.shape)"),
    ),
    "remembers": (
        "deterministic",
        "another result",
        body("self.power += 1\nscores = scores * (-1) ** int(self.power)"),
    ),
    "depends on the batch": (
        "one query as many",
        "it depends on the batch",
        body("scores = scores - np.einsum('d,qmd->qm', queries.mean(axis=0), candidates)"),
    ),
    "crashes on one candidate": (
        "few candidates",
        "with 1 candidate: IndexError",
        body("scores = scores + candidates[:, 1, :1]"),
    ),
    "needs ten candidates": (
        "few candidates",
        "with 1 candidate: the method 'made-up' returned an order of the shape (5, 0)",
        body("scores = scores - np.sort(scores, axis=1)[:, 9:10]"),
    ),
    "divides by distances of images": (
        "duplicates and ties",
        "images are alike",
        body("if (np.ptp(candidates, axis=1) == 0).all():\n    raise ValueError('images are alike')"),
    ),
    "changes its inputs": ("inputs unchanged", "queries", body("queries *= 2")),
    "a default that is refused": (
        "runs with its defaults",
        "unexpected keyword argument 'other'",
        (GOOD, "parameters: {other: {default: 1, meaning: none}}\n"),
    ),
    "an end of its range": (
        "ends of the parameters' ranges",
        "power = 0.0, an end of its range: float division by zero",
        (body("1 / self.power"), "parameters: {power: {default: 1.0, least: 0, meaning: of similarities}}\n"),
    ),
    "a package it does not need": (
        "honest about its needs",
        "it runs without the package colorsys",
        (GOOD, "needs: {packages: [colorsys]}\n"),
    ),
    "a package whose absence is a traceback": (
        "honest about its needs",
        "without the package colorsys it ends with ModuleNotFoundError",
        (body("import colorsys"), "needs: {packages: [colorsys]}\n"),
    ),
    "no BibTeX": ("description", "the citation is no BibTeX", GOOD),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_mistake_is_caught_by_the_check_for_it(mistake: str, tmp_path: Path) -> None:
    check, message, code = BROKEN[mistake]
    text, description = (code, "") if isinstance(code, str) else code
    folder = write(tmp_path, text, description)
    if mistake == "no BibTeX":
        path = folder / "method.yaml"
        path.write_text(path.read_text().replace("@misc{made", "Made et al. {"))
    found = failed(check_folder(folder))
    assert message in found[check]
    # Nothing else is blamed, but where a mistake breaks several promises.
    several = {"few candidates", "empty places", "one query as many", "ends of the parameters' ranges"}
    assert set(found) <= {check, *several}


# Promises of those that score: a subclass may break what an order alone cannot.
BROKEN_SCORES = {
    "nan is taken": ("no numbers refused", "is taken for a number", "scores.nan_to_num(0)"),
    "candidates of equal images apart": (
        "duplicates and ties",
        "not all be finite|NaN",
        "scores / (candidates[:, :1] - candidates[:, 1:2]).norm(dim=2)",
    ),
}


@pytest.mark.parametrize("mistake", BROKEN_SCORES)
def test_a_mistake_of_a_scorer(mistake: str, tmp_path: Path) -> None:
    check, message, returned = BROKEN_SCORES[mistake]
    code = f"""
from superglobal_core.reranking.base import Reranker, similarity

class Method(Reranker):
    def rerank(self, queries, candidates):
        scores = similarity(queries, candidates)
        return {returned}
"""
    found = failed(check_folder(write(tmp_path, code)))
    assert any(part in found[check] for part in message.split("|"))


def test_an_unstable_sort_is_noted(tmp_path: Path) -> None:
    found = {
        finding.check: finding
        for finding in check_folder(
            write(
                tmp_path,
                GOOD.replace(
                    'np.argsort(-scores, axis=1, kind="stable")',
                    "np.argsort(scores, axis=1, kind='stable')[:, ::-1]",
                ),
            )
        )
    }
    assert found["duplicates and ties"].state == "note"
    assert "sort stably" in found["duplicates and ties"].reason


def test_the_worst_order_is_noted_and_no_fault(tmp_path: Path) -> None:
    found = check_folder(write(tmp_path, body("scores = -scores")))
    assert not failed(found)
    assert {finding.check: finding.state for finding in found}["a query's copy near the top"] == "note"


def test_what_is_not_here_leaves_the_rest_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, "import no_such_package", "needs: {packages: [no_such_package]}\n")
    found = check_folder(folder)
    assert str(found[-1]) == "everything else: left out: package no_such_package missing"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (folder / "method.yaml").write_text(DESCRIPTION + "needs: {gpu: true}\n")
    found = check_folder(folder)
    assert str(found[-1]) == "everything else: left out: it needs a GPU, and there is none"
    # A package that it needs and does not name is no excuse.
    (folder / "method.yaml").write_text(DESCRIPTION)
    assert "No module named 'no_such_package'" in failed(check_folder(folder))["runs with its defaults"]


def test_a_gpu_is_not_used_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    chosen = body("import torch\nif torch.cuda.is_available():\n    raise RuntimeError('it goes to the GPU')")
    folder = write(tmp_path, chosen)
    assert not failed(check_folder(folder))
    (folder / "method.py").write_text(body("import torch\ntorch.from_numpy(queries).cuda()"))
    assert "does not say that it needs one" in failed(check_folder(folder))["runs with its defaults"]
    assert torch.cuda.is_available()


def test_absent_packages_are_said_in_a_sentence(tmp_path: Path) -> None:
    code = body("""
try:
    import colorsys
except ImportError:
    from superglobal_core.errors import UserError
    raise UserError('it needs colorsys: install it')
""")
    before = sys.modules.get("colorsys")
    found = check_folder(write(tmp_path, code, "needs: {packages: [colorsys]}\n"))
    assert not failed(found), found
    assert sys.modules.get("colorsys") is before or before is None


@pytest.mark.parametrize("code", ["raise SystemExit", body("import sys\nsys.exit(3)")])
def test_a_class_that_ends_python_fails(tmp_path: Path, code: str) -> None:
    assert (
        "it ends Python itself with SystemExit"
        in failed(check_folder(write(tmp_path, code)))["runs with its defaults"]
    )


def test_the_random_state_is_left_as_it_was() -> None:
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    expected = np.random.random(), torch.rand(1)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    check_folder(FOLDER / "superglobal")
    assert (np.random.random(), torch.rand(1)) == expected  # noqa: NPY002


def test_a_program_has_a_rule_for_what_it_is_given_and_leaves(tmp_path: Path) -> None:
    folder = write(tmp_path, "")
    (folder / "method.yaml").write_text("{label: A program, stage: reranker, runs: program}")
    assert "rule.smk is not there" in failed(check_folder(folder))["description"]
    (folder / "rule.smk").write_text("rule: output: 'somewhere'")
    assert failed(check_folder(folder))["files"].startswith(
        "rule.smk has no METHOD.given and no METHOD.result"
    )
    whole = "rule {}: input: METHOD.given\n  output: METHOD.result\n  params: METHOD.file('it.py')"
    (folder / "rule.smk").write_text(whole.format("method_a"))
    assert failed(check_folder(folder))["files"].endswith("it.py, which is not there")
    (folder / "it.py").touch()
    (folder / "rule.smk").write_text(whole.format("rerank"))
    assert "a rule rerank, as the workflow has" in failed(check_folder(folder))["files"]
    (folder / "rule.smk").write_text(whole.format("a"))
    assert "call it method_a" in next(
        each.reason for each in check_folder(folder) if each.state == "note" and each.check == "files"
    )
    (folder / "rule.smk").write_text(whole.format("method_a"))
    found = check_folder(folder)
    assert not failed(found)
    assert "when the workflow takes it up" in found[-1].reason


def test_results_are_where_they_are_said_to_be(tmp_path: Path) -> None:
    folder = write(tmp_path, "")
    (folder / "method.yaml").write_text(
        "{label: Theirs, stage: search, runs: results, results: {toy: {plain: ranking.npy}}}"
    )
    assert "results.toy.plain names" in failed(check_folder(folder))["files"]
    np.save(folder / "ranking.npy", np.zeros((1, 1), np.int64))
    assert not failed(check_folder(folder))


WEIGHTS = """
import numpy as np
from superglobal_core.files import load_array

class Method:
    def __init__(self, weights):
        self.axes = load_array(weights)

    def rerank(self, queries, candidates):
        return np.argsort(-np.einsum("qd,qmd->qm", queries * self.axes, candidates), axis=1, kind="stable")
"""


def test_a_class_that_needs_weights_is_given_them(tmp_path: Path, run: Run) -> None:
    folder, file = write(tmp_path, WEIGHTS, "needs: {weights: true}\n"), tmp_path / "axes.npy"
    found = check_folder(folder)
    assert str(found[-1]) == "everything else: left out: it needs weights: give them with --weights"
    np.save(file, np.ones(48, np.float32))
    assert "runs with its defaults" in failed(check_folder(folder, file))
    done = run("check-method", folder, "--weights", file, "--dimension", 48)
    assert done.code == 0, done.out
    assert "ok        made-up  honest about its needs" in done.out
    (folder / "method.py").write_text(WEIGHTS.replace("load_array(weights)", "np.load(weights)"))
    assert (
        "it ends with FileNotFoundError" in failed(check_folder(folder, file, 48))["honest about its needs"]
    )


def test_the_verb(run: Run, tmp_path: Path) -> None:
    folder, out = write(tmp_path, body("queries *= 2")), tmp_path / "found.json"
    done = run("check-method", "none", folder, "--out", out)
    assert done.code == 1
    assert "ok        none  deterministic\n" in done.out
    assert (
        "failed    made-up  inputs unchanged: it changes its inputs (queries): work on a copy\n" in done.out
    )
    content = json.loads(out.read_text())
    assert content["conforms"] == {"none": True, "made-up": False}
    assert {"check": "deterministic", "state": "ok", "reason": ""} in content["checks"]["none"]
    assert run("check-method", "none").code == 0


def test_a_description_that_is_wrong_is_a_finding(run: Run, tmp_path: Path) -> None:
    folder = write(tmp_path, GOOD)
    (folder / "method.yaml").write_text("label: only")
    done = run("check-method", folder)
    assert done.code == 1
    assert done.out.startswith("failed    made-up  description: ")
    assert "stage is missing: add it" in done.out


def test_unknown_names_and_none(run: Run) -> None:
    done = run("check-method", "superglobl")
    assert done.code == 2
    assert "did you mean 'superglobal'?" in done.err
    assert "name a method or its folder" in run("check-method").err
