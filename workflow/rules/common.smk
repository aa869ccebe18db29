# Shared by all: the checked suite, its folders, and the functions that the rules use.
import os
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version, validate

from superglobal_core.code_version import fingerprint
from superglobal_core.config import parse_suite
from superglobal_core.errors import UserError
from superglobal_core.networks.shipped import MINI_CHECKPOINT

min_version("9.10")

try:
    SUITE = parse_suite(config, "the suite's configuration")
except UserError as error:
    raise WorkflowError(str(error))
validate(config, "../schemas/suite.schema.json", set_default=False)

RESULTS = f"results/{SUITE.suite}"
REPORTS = f"reports/{SUITE.suite}"
LOGS = f"{RESULTS}/logs"
DRAWN = [name for name, data in SUITE.datasets.items() if data.synthetic is not None]
EXTRACTED = [
    name
    for name, descriptor in SUITE.descriptors.items()
    if descriptor.extract is not None
]

# The command line of this very environment, also when it is not activated.
shell.prefix(
    f"set -euo pipefail; export PATH={shlex.quote(os.path.dirname(sys.executable))}:$PATH; "
)


def one_of(names):
    """The wildcard constraint that admits just these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    dataset=one_of(SUITE.datasets),
    descriptor=one_of(SUITE.descriptors),
    method=one_of(SUITE.methods),
    split="queries|database|distractors",
    size="plain|distractors",


def options(**values):
    """Write command line options: None leaves one out, True and False make a switch of it."""
    words = []
    for name, value in values.items():
        name = name.replace("_", "-")
        if value is None:
            continue
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words.append(f"--{name} '{value}'")
    return " ".join(words)


def groundtruth(wildcards):
    """The ground truth of a data set: given, or drawn with it."""
    data = SUITE.datasets[wildcards.dataset]
    if data.groundtruth is not None:
        return str(data.groundtruth)
    return f"{RESULTS}/data/{wildcards.dataset}/gnd_landmarks.pkl"


def existing(wildcards):
    """The files of a descriptor that already exists for a data set, or None."""
    return (SUITE.descriptors[wildcards.descriptor].existing or {}).get(
        wildcards.dataset
    )


def has_distractors(dataset, descriptor):
    """Whether a descriptor can be searched among a data set's distractors."""
    given = SUITE.descriptors[descriptor].existing
    if given is not None:
        return given[dataset].distractors is not None
    data = SUITE.datasets[dataset]
    return bool(
        data.distractor_images or (data.synthetic and data.synthetic.distractors)
    )


def features(wildcards, split):
    """The folder (or file) of a split's descriptors."""
    given = existing(wildcards)
    if given is not None and given.codes is None:
        return str(getattr(given, split))
    return f"{RESULTS}/features/{wildcards.descriptor}/{wildcards.dataset}/{split}"


def splits(wildcards):
    """The database's parts: the data set's own, then the distractors."""
    return ["database"] + (["distractors"] if wildcards.size == "distractors" else [])


def finished_features(wildcards):
    """The records of the extractions that a search waits for; files that exist stand for themselves."""
    given = existing(wildcards)
    parts = ["queries", *splits(wildcards)]
    if given is not None and given.codes is None:
        return [features(wildcards, part) for part in parts]
    return [f"{features(wildcards, part)}/record.json" for part in parts]


def databases(wildcards):
    """The --database options of a search."""
    return " ".join(
        f"--database '{features(wildcards, part)}'" for part in splits(wildcards)
    )


def results_of(step, suffix):
    """The files of every result of the suite that a step writes."""
    return [
        f"{RESULTS}/{step}/{descriptor}/{dataset}/{size}/{method}{suffix}"
        for dataset in SUITE.datasets
        for descriptor in SUITE.descriptors
        for size in ("plain", "distractors")
        if size == "plain"
        or (SUITE.distractors and has_distractors(dataset, descriptor))
        for method in SUITE.methods
    ]


def checkpoint(wildcards):
    """The weights of a descriptor's network."""
    given = SUITE.descriptors[wildcards.descriptor].extract.checkpoint
    return str(given or Path(os.path.relpath(MINI_CHECKPOINT)))


def image_source(wildcards):
    """A split's folder or list of images."""
    data = SUITE.datasets[wildcards.dataset]
    if data.synthetic is not None:
        return f"{RESULTS}/data/{wildcards.dataset}/{wildcards.split}"
    if wildcards.split == "distractors":
        return str(data.distractor_images)
    return f"{RESULTS}/data/{wildcards.dataset}/{wildcards.split}.txt"


def finished_images(wildcards):
    """The file that says that a split's images are there."""
    if SUITE.datasets[wildcards.dataset].synthetic is not None:
        return f"{RESULTS}/data/{wildcards.dataset}/MANIFEST.json"
    return image_source(wildcards)


def boxes(wildcards):
    """The ground truth for the queries' boxes; other images are described whole."""
    return groundtruth(wildcards) if wildcards.split == "queries" else []


def extract_options(wildcards):
    """The descriptor's switches as options."""
    chosen = SUITE.descriptors[wildcards.descriptor].extract.model_dump(
        exclude={"checkpoint"}
    )
    if chosen["scales"]:
        chosen["scales"] = ",".join(map(str, chosen["scales"]))
    if wildcards.split == "queries":
        chosen["boxes"] = groundtruth(wildcards)
    return options(**chosen)


def method_options(wildcards):
    """The method's name and parameters as options."""
    chosen = SUITE.methods[wildcards.method]
    return options(
        method=chosen.reranker, **chosen.model_dump(exclude={"label", "reranker"})
    )
