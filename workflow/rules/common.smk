# Shared by all: the checked suite, its folders, and the functions that the rules use.
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version, validate

from superglobal_core.ablation_plan import ablation_files, bases, tunings
from superglobal_core.approximate_plan import approximate_files
from superglobal_core.availability import (
    accuracy_missing,
    descriptor_missing,
    features_name,
    has_distractors,
    has_images,
    local_kind,
)
from superglobal_core.code_version import fingerprint
from superglobal_core.config import parse_suite, save_suite
from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.errors import UserError
from superglobal_core.methods.registry import folder_digest
from superglobal_core.networks.shipped import MINI_CHECKPOINT
from superglobal_core.steps.items import checkpoint_path, record_of, weights_path
from superglobal_core.steps.needs import generation_of, needs_of
from superglobal_core.steps.unfinished import unfinished

min_version("9.10")

try:
    SUITE = parse_suite(
        config, "the suite's configuration", Path(workflow.basedir) / "workflow/methods"
    )
    CATALOGUE = load_catalogue(SUITE.catalogues)
    NEEDS = needs_of(SUITE, CATALOGUE)
    ABLATION_BASES = bases(SUITE)
except UserError as error:
    raise WorkflowError(str(error))
# As the model understood it: `--config distractors=false` arrives as a text.
validate(
    SUITE.model_dump(mode="json", exclude_unset=True),
    "../schemas/suite.schema.json",
    set_default=False,
)

RESULTS = f"results/{SUITE.suite}"
REPORTS = f"reports/{SUITE.suite}"
LOGS = f"{RESULTS}/logs"
ROOT = SUITE.root
# One GPU a job where there is one; where there is none, threads alone keep jobs apart.
GPU = int(shutil.which("nvidia-smi") is not None)
# The distractor set of all data sets, if there is one; a number of distractors makes a subset of it.
SET = NEEDS.distractor_set.name if NEEDS.distractor_set else None
SUBSET = None if isinstance(SUITE.distractors, bool) else SUITE.distractors
DRAWN = [name for name, data in SUITE.datasets.items() if data.synthetic is not None]
DOWNLOADED = [
    name for name, data in SUITE.datasets.items() if data.download is not None
]
EXTRACTED = [
    name
    for name, descriptor in SUITE.descriptors.items()
    if descriptor.extract is not None
]

if workflow.is_main_process and (missing := NEEDS.plan()):
    logger.info(f"Downloads below {ROOT}:\n{missing}\n")

# The command line of this very environment, also when it is not activated.
shell.prefix(
    f"set -euo pipefail; export PATH={shlex.quote(os.path.dirname(sys.executable))}:$PATH; "
)


def one_of(names):
    """The wildcard constraint that admits just these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


# Local features by the folder they lie in: which method, of which descriptor, stands for their making.
LOCAL = {
    features_name(SUITE, descriptor, method): (descriptor, method)
    for descriptor in reversed(SUITE.descriptors)
    for method in reversed(SUITE.methods)
    if features_name(SUITE, descriptor, method) is not None
}


wildcard_constraints:
    local=one_of(LOCAL),
    dataset=one_of(SUITE.datasets),
    descriptor=one_of(SUITE.descriptors),
    method=one_of(SUITE.methods),
    download=one_of(entry.name for entry in NEEDS.entries),
    source=one_of([*SUITE.datasets, *([SET] if SET else [])]),
    part=r"\d+",
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


def groundtruth_of(dataset):
    """The ground truth of a data set: given, drawn with it, or downloaded."""
    data = SUITE.datasets[dataset]
    if data.groundtruth is not None:
        return str(data.groundtruth)
    name = "gnd_landmarks.pkl" if data.synthetic is not None else "groundtruth.pkl"
    return f"{RESULTS}/data/{dataset}/{name}"


def groundtruth(wildcards):
    """The ground truth of the data set that a job is about."""
    return groundtruth_of(wildcards.dataset)


def downloaded(name):
    """The file that says that an entry of the catalogue was downloaded."""
    return str(record_of(name, ROOT))


def downloaded_file(wildcards, key):
    """The path, below the folder of downloads, of a downloaded data set's ground truth or images."""
    entry = CATALOGUE[SUITE.datasets[wildcards.dataset].download]
    if key == "images":
        return ROOT / entry.image_folder()
    return ROOT / entry.folder / entry.groundtruth


def existing(wildcards):
    """The files of a descriptor that already exists for a data set, or None."""
    return (SUITE.descriptors[wildcards.descriptor].existing or {}).get(
        wildcards.dataset
    )


def features(wildcards, split):
    """The folder (or file) of a split's descriptors."""
    given = existing(wildcards)
    if split == "distractors" and SUBSET is not None:
        split = f"distractors-{SUBSET}"
    elif given is not None and given.codes is None:
        return str(getattr(given, split))
    source = SET if SET and split.startswith("distractors") else wildcards.dataset
    return f"{RESULTS}/features/{wildcards.descriptor}/{source}/{split}"


def splits(wildcards):
    """The database's parts: the data set's own, then the distractors."""
    return ["database"] + (["distractors"] if wildcards.size == "distractors" else [])


def finished_features(wildcards):
    """The records of the extractions that a search waits for; files that exist stand for themselves."""
    folders = [features(wildcards, part) for part in ["queries", *splits(wildcards)]]
    made = f"{RESULTS}/"
    return [
        f"{folder}/record.json" if folder.startswith(made) else folder
        for folder in folders
    ]


def gathered(wildcards):
    """The folders of shards that a set of distractors, or a subset of it, is made of."""
    if wildcards.source == SET:
        return [
            f"{RESULTS}/features/{wildcards.descriptor}/{SET}/part-{part:03d}"
            for part in NEEDS.parts
        ]
    given = (SUITE.descriptors[wildcards.descriptor].existing or {}).get(
        wildcards.source
    )
    if given is not None and given.distractors is not None:
        return [str(given.distractors)]
    return [f"{RESULTS}/features/{wildcards.descriptor}/{wildcards.source}/distractors"]


def finished_gathered(wildcards):
    """What says that those folders are complete."""
    made = f"{RESULTS}/"
    return [
        f"{folder}/record.json" if folder.startswith(made) else folder
        for folder in gathered(wildcards)
    ]


def gather_options(wildcards):
    """The subset and the list of a set of distractors as options."""
    entry = CATALOGUE[SET] if wildcards.source == SET else None
    listed = (
        ROOT / entry.folder / entry.image_list if entry and entry.image_list else None
    )
    return options(count=SUBSET, seed=SUITE.seed, listed=listed)


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
        or (SUITE.distractors and has_distractors(SUITE, descriptor, dataset))
        for method in SUITE.methods
        if accuracy_missing(SUITE, descriptor, dataset, size, method) is None
    ]


def timings():
    """The timing of each descriptor, on the first data set."""
    if SUITE.timing is None:
        return []
    dataset = next(iter(SUITE.datasets))
    return [
        f"{RESULTS}/timing/{descriptor}/{dataset}/plain.json"
        for descriptor in SUITE.descriptors
        if descriptor_missing(SUITE, descriptor, dataset) is None
    ]


def checkpoint_of(given):
    """The weights that an `extract` asks for: given, downloaded, or those that come with the package."""
    if given.download is not None:
        return str(checkpoint_path(CATALOGUE[given.download], ROOT))
    return str(given.checkpoint or Path(os.path.relpath(MINI_CHECKPOINT)))


def finished_checkpoint_of(given):
    """What says that those weights are there."""
    return downloaded(given.download) if given.download else checkpoint_of(given)


def checkpoint(wildcards):
    """The weights of a descriptor's network."""
    return checkpoint_of(SUITE.descriptors[wildcards.descriptor].extract)


def finished_checkpoint(wildcards):
    """What says that they are there."""
    return finished_checkpoint_of(SUITE.descriptors[wildcards.descriptor].extract)


def image_folders(wildcards):
    """The folders of a data set's images as options: given, or downloaded (both in one)."""
    data = SUITE.datasets[wildcards.dataset]
    if data.download is None:
        return options(
            query_images=data.query_images, database_images=data.database_images
        )
    folder = downloaded_file(wildcards, "images")
    return options(query_images=folder, database_images=folder)


def split_images(dataset, split):
    """A split's folder or list of images."""
    data = SUITE.datasets[dataset]
    if data.synthetic is not None:
        return f"{RESULTS}/data/{dataset}/{split}"
    if split == "distractors":
        return str(data.distractor_images)
    return f"{RESULTS}/data/{dataset}/{split}.txt"


def image_source(wildcards):
    """The folder or list of images that a job is about."""
    return split_images(wildcards.dataset, wildcards.split)


def fast_checks():
    """What compares the fast mode with the exact one, for each labelled data set described so."""
    return [
        f"{RESULTS}/features/{descriptor}/{dataset}/check-fast.json"
        for descriptor in EXTRACTED
        if SUITE.descriptors[descriptor].extract.mode == "fast"
        for dataset in SUITE.datasets
        if has_images(SUITE, dataset)
    ]


def finished_images(wildcards):
    """The file that says that a split's images are there."""
    if SUITE.datasets[wildcards.dataset].synthetic is not None:
        return f"{RESULTS}/data/{wildcards.dataset}/MANIFEST.json"
    return image_source(wildcards)


def boxes(wildcards):
    """The ground truth for the queries' boxes; other images are described whole."""
    given = SUITE.descriptors[wildcards.descriptor].extract
    crop = given is None or given.query_crop
    return groundtruth(wildcards) if crop and wildcards.split == "queries" else []


def extract_options(wildcards):
    """The descriptor's switches as options."""
    chosen = SUITE.descriptors[wildcards.descriptor].extract.model_dump(
        exclude={"checkpoint", "download", "query_crop"}
    )
    if chosen["scales"]:
        chosen["scales"] = ",".join(map(str, chosen["scales"]))
    chosen["boxes"] = boxes(wildcards) or None
    return options(**chosen)


def catalogue_options(wildcards):
    """The --catalogue options of a download."""
    return " ".join(f"--catalogue '{path}'" for path in SUITE.catalogues)


def download_mb(wildcards):
    """How much a download takes, in MB; the archives of a distractor set are jobs of their own."""
    files = CATALOGUE[wildcards.download].files
    return sum(file.expected_bytes or 0 for file in files) // 1_000_000


def archive_mb(wildcards):
    """How much an archive of the distractor set takes, in MB."""
    return (CATALOGUE[SET].parts.about_bytes or 0) // 1_000_000
