"""What a study's methods, descriptors and data sets are to be cited by, as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from superglobal_core.config import Dataset, Suite
from superglobal_core.data.bibtex import bibliography, entries_of
from superglobal_core.data.catalogue import Catalogue, Entry, load_catalogue
from superglobal_core.errors import UserError
from superglobal_core.methods.folder import MethodDescription, read_method
from superglobal_core.methods.registry import SHIPPED
from superglobal_core.reporting.collect import Study

WORKS = Path(__file__).parents[1] / "data" / "works.bib"
RESNET, GEM, SUPERGLOBAL = "he2016deep", "radenovic2019finetuning", "shao2023superglobal"


def citations_bib(study: Study) -> str:
    """Return `citations.bib`: every work behind a study, once, sorted by key, after a line that says for what.

    Taken from the result files, which hold what methods say of themselves, and from the package's catalogue.
    A method or data set whose citation is not known is named in a comment.
    """
    catalogue = _catalogue(study.suite)
    cited: dict[str, list[str]] = {}
    unknown: list[str] = []
    for name, texts in (*_methods(study), *_descriptors(study, catalogue), *_datasets(study, catalogue)):
        if texts is None or not all(map(_is_bibtex, texts)):
            unknown.append(name)
        elif texts:
            cited[name] = [*cited.get(name, []), *texts]
    head = "% Works behind the methods, descriptors and data sets of these results.\n"
    head += "".join(f"% Not known here: the citation of {name}.\n" for name in dict.fromkeys(unknown))
    return head + ("\n" + bibliography(cited) if cited else "")


Cited = Iterator[tuple[str, list[str] | None]]


def _methods(study: Study) -> Cited:
    names = [result.record.method for result in study.results]
    names += [timing.method for timed in study.timed for timing in timed.timings.timings]
    suite = study.suite
    described = (
        {each.reranker: each.found.description for each in suite.methods.values() if each.found}
        if suite
        else {}
    )
    for name in sorted({name for name in names if name}):
        about = described.get(name) or _shipped(name)
        yield f"method {_plain(name)}", None if about is None else _own(about)


def _own(about: MethodDescription) -> list[str]:
    return [about.citation] if about.citation else []


def _shipped(name: str) -> MethodDescription | None:
    """Return what the workflow's own folder says of a method, for steps that ran without a suite."""
    try:
        return read_method(SHIPPED / Path(name).name).description
    except UserError:
        return None


def _descriptors(study: Study, catalogue: Catalogue) -> Cited:
    works = entries_of(WORKS.read_text(encoding="utf-8"))
    described = {result.descriptor: result.record.descriptor or {} for result in study.results}
    for name, switches in sorted(described.items()):
        texts = [works[key] for key in _keys(switches)]
        entry = study.suite.descriptors.get(name) if study.suite else None
        if entry is not None and entry.found is not None:
            texts += _own(entry.found.description)
        how = entry.extract if entry is not None else None
        if how is not None and (how.download or how.checkpoint):
            file = how.checkpoint.name if how.checkpoint else None
            texts += _texts(
                each for each in catalogue.values() if how.download == each.name or _has(each, file)
            )
        yield f"descriptor {_plain(name)}", texts


def _keys(switches: Mapping[str, Any]) -> Iterator[str]:
    """Yield the works that a descriptor's recorded switches stand for."""
    if switches.get("backbone") in ("resnet50", "resnet101", "mini"):
        yield RESNET
    if "gem_plus" in switches:
        yield GEM
        on = switches.get("gem_plus"), switches.get("regional_gem"), switches.get("scale_pooling") == "max"
        if any(on) or str(switches.get("relup", "off")) != "off":
            yield SUPERGLOBAL


def _datasets(study: Study, catalogue: Catalogue) -> Cited:
    suite = study.suite
    for name in sorted({result.dataset for result in study.results}):
        data = suite.datasets.get(name) if suite else None
        if data is None or data.synthetic is None:
            entry = _entry_of(name, data, catalogue)
            yield f"data set {_plain(name)}", None if entry is None else _texts([entry])
    searched = any(result.record.distractors for result in study.results)
    if suite is not None and suite.distractor_set and searched:
        known = suite.distractor_set in catalogue
        yield (
            f"distractors {_plain(suite.distractor_set)}",
            _texts([catalogue[suite.distractor_set]]) if known else None,
        )


def _entry_of(name: str, data: Dataset | None, catalogue: Catalogue) -> Entry | None:
    named = {data.download} if data and data.download else {name}
    file = data.groundtruth.name if data and data.groundtruth else None
    return next(
        (
            entry
            for entry in catalogue.values()
            if entry.kind == "dataset" and (entry.name in named or (file and entry.groundtruth == file))
        ),
        None,
    )


def _has(entry: Entry, file: str | None) -> bool:
    return entry.kind == "checkpoint" and any(each.name == file for each in entry.files)


def _texts(entries: Iterable[Entry]) -> list[str]:
    return [entry.citation for entry in entries if entry.citation]


def _catalogue(suite: Suite | None) -> Catalogue:
    try:
        return load_catalogue(suite.catalogues if suite else ())
    except UserError:
        return load_catalogue()  # a suite's own files may be elsewhere by now


def _is_bibtex(text: str) -> bool:
    try:
        return bool(entries_of(text))
    except ValueError:
        return False


def _plain(name: str) -> str:
    # In a comment, where an @ would begin an entry for some readers.
    return " ".join(name.replace("@", " at ").split())
