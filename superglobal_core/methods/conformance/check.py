"""All checks of a method, whatever way it comes in."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from superglobal_core.data.bibtex import entries_of
from superglobal_core.errors import UserError
from superglobal_core.methods.conformance.bench import Bench
from superglobal_core.methods.conformance.descriptors_bench import DIMENSION, DescriptorsBench
from superglobal_core.methods.conformance.findings import BrokenError, Finding, NotedError, make_check
from superglobal_core.methods.conformance.lacking import lacking, without_gpu
from superglobal_core.methods.conformance.local_bench import LocalBench
from superglobal_core.methods.conformance.reranker_checks import FIRST, THEN
from superglobal_core.methods.folder import RULE_PREFIX, MethodFolder
from superglobal_core.methods.registry import SHIPPED, read_found


def check_folder(path: str | Path, weights: Path | None = None, dimension: int = DIMENSION) -> list[Finding]:
    """Check the method of a folder; a description that cannot be read is a finding too."""
    try:
        method = read_found(path)
    except UserError as error:
        return [Finding("description", "failed", " ".join(str(error).split()))]
    return check_method(method, weights, dimension)


def check_method(
    method: MethodFolder, weights: Path | None = None, dimension: int = DIMENSION
) -> list[Finding]:
    """Check a method on small data drawn for it; no finding is `failed` when it conforms.

    What this machine lacks (a package, a GPU) leaves out everything that would need it. weights: the file that a
    class is made with where it needs one; the library's own methods are checked with random ones.
    dimension: of the descriptors.
    """
    found = [make_check("description", lambda: _description(method))]
    description = method.description
    if description.runs in ("program", "results"):
        return [*found, *_files(method)]
    reason = lacking(description.needs)
    if reason is not None:
        return [*found, Finding("everything else", "left out", reason)]
    if description.runs == "python" and description.needs.weights and weights is None:
        return [*found, Finding("everything else", "left out", "it needs weights: give them with --weights")]
    with contextlib.nullcontext() if description.needs.gpu else without_gpu():
        return found + _reranker(method, weights, dimension)


def _reranker(method: MethodFolder, weights: Path | None, dimension: int) -> list[Finding]:
    benches: list[Bench] = []

    def make() -> None:
        local = method.description.needs.local and method.description.runs == "builtin"
        benches.append(LocalBench(method) if local else DescriptorsBench(method, weights, dimension))

    # Making the bench may already need what the method lacks.
    made = make_check("small data", make)
    if not benches:
        return [made]
    (bench,) = benches
    found = []
    for name, check in FIRST.items():
        found.append(make_check(name, lambda check=check: check(bench)))  # type: ignore[misc]
        if found[-1].state == "failed":
            return [*found, Finding("everything else", "left out", f"until this is mended: {name}")]
    return found + [
        make_check(name, lambda check=check: check(bench))  # type: ignore[misc]
        for name, check in THEN.items()
    ]


def _description(method: MethodFolder) -> None:
    description = method.description
    if description.citation is not None:
        try:
            entries_of(description.citation)
        except ValueError as error:
            raise BrokenError(f"the citation is no BibTeX: {error}") from error
    silent = [name for name, parameter in description.parameters.items() if not parameter.meaning]
    if silent:
        raise NotedError(f"say what {', '.join(silent)} {'mean' if len(silent) > 1 else 'means'}")
    if description.citation is None and description.runs != "builtin":
        raise NotedError("it has no citation: readers will not know whose method it is")


def _files(method: MethodFolder) -> list[Finding]:
    """Look for what a program or results must leave where the workflow takes it up."""

    def results() -> None:
        for dataset, files in method.description.results.items():
            for kind, file in files.items():
                if not (method.path / file).exists():
                    raise BrokenError(
                        f"results.{dataset}.{kind} names {method.path / file}, which is not there"
                    )
        if not method.description.results:
            raise NotedError("it names no files: a suite must")

    def rule() -> None:
        text = method.rule.read_text(encoding="utf-8")
        lacking = [part for part in ("METHOD.given", "METHOD.result") if part not in text]
        if lacking:
            raise BrokenError(f"{method.rule.name} has no {' and no '.join(lacking)} for input and output")
        for name in re.findall(r"METHOD\.file\(\s*[\"']([^\"']+)[\"']\s*\)", text):
            if not (method.path / name).exists():
                raise BrokenError(f"{method.rule.name} names {method.path / name}, which is not there")
        _rule_names(method, text)

    look = rule if method.description.runs == "program" else results
    left = "it is checked when the workflow takes it up, because it depends on the data"
    return [make_check("files", look), Finding("what it makes", "left out", left)]


def _rule_names(method: MethodFolder, text: str) -> None:
    """Look at the names of the rules, which must be those of no other (NotedError where they may be)."""
    taken = {
        name
        for file in [*SHIPPED.parent.glob("rules/*.smk"), SHIPPED.parents[1] / "Snakefile"]
        if file.is_file()
        for name in _rules(file.read_text(encoding="utf-8"))
    }
    for name in _rules(text):
        if name in taken:
            raise BrokenError(
                f"{method.rule.name} has a rule {name}, as the workflow has: call it {RULE_PREFIX}{name}"
            )
    for name in _rules(text):
        if not name.startswith(RULE_PREFIX):
            raise NotedError(
                f"{method.rule.name} has a rule {name}: call it {RULE_PREFIX}{name}, "
                "so that it is never one of the workflow's"
            )


def _rules(text: str) -> list[str]:
    return re.findall(r"^[ \t]*(?:rule|checkpoint)[ \t]+(\w+)[ \t]*:", text, re.MULTILINE)
