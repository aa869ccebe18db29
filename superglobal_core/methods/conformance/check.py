"""All checks of a method, whatever way it comes in."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.data.bibtex import entries_of
from superglobal_core.errors import UserError
from superglobal_core.methods.conformance.bench import Bench
from superglobal_core.methods.conformance.descriptors_bench import DescriptorsBench
from superglobal_core.methods.conformance.findings import BrokenError, Finding, NotedError, make_check
from superglobal_core.methods.conformance.lacking import lacking
from superglobal_core.methods.conformance.local_bench import LocalBench
from superglobal_core.methods.conformance.reranker_checks import FIRST, THEN
from superglobal_core.methods.folder import MethodFolder, read_method


def check_folder(path: str | Path) -> list[Finding]:
    """Check the method of a folder; a description that cannot be read is a finding too."""
    try:
        method = read_method(path)
    except UserError as error:
        return [Finding("description", "failed", " ".join(str(error).split()))]
    return check_method(method)


def check_method(method: MethodFolder) -> list[Finding]:
    """Check a method on small data drawn for it; no finding is `failed` when it conforms.

    What this machine lacks (a package, a GPU) leaves out everything that would need it.
    """
    found = [make_check("description", lambda: _description(method))]
    description = method.description
    if description.runs in ("program", "results"):
        return [*found, *_files(method)]
    reason = lacking(description.needs)
    if reason is not None:
        return [*found, Finding("everything else", "left out", reason)]
    if description.stage != "reranker":
        left = f"a {description.stage} by a class is checked when the workflow takes up what it made"
        return [*found, Finding("everything else", "left out", left)]
    if description.needs.local and description.runs != "builtin":
        left = "local features reach the library's own methods only: a program may use them"
        return [*found, Finding("everything else", "failed", left)]
    return found + _reranker(method)


def _reranker(method: MethodFolder) -> list[Finding]:
    benches: list[Bench] = []
    kind = LocalBench if method.description.needs.local else DescriptorsBench
    # Making the bench may already need what the method lacks.
    made = make_check("small data", lambda: benches.append(kind(method)))
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
    def rule() -> None:
        if method.description.runs == "program" and not method.rule.is_file():
            raise BrokenError(
                f"{method.rule.name} is not there: it should hold the rule that calls the program"
            )

    left = "its files are checked when the workflow takes them up"
    return [make_check("files", rule), Finding("what it makes", "left out", left)]
