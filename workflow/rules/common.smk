# Shared by all: the checked suite, its folders, and the functions that the rules use.
import os
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version, validate

from superglobal_core.availability import accuracy_missing, features_name
from superglobal_core.code_version import fingerprint
from superglobal_core.config import parse_suite
from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.errors import UserError
from superglobal_core.networks.shipped import MINI_CHECKPOINT
from superglobal_core.reranking.names import LOCAL_KINDS
from superglobal_core.steps.download import checkpoint_path, record_of, weights_path
from superglobal_core.steps.needs import needs_of

min_version("9.10")

try:
    SUITE = parse_suite(config, "the suite's configuration")
    CATALOGUE = load_catalogue(SUITE.catalogues)
    NEEDS = needs_of(SUITE, CATALOGUE)
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


def groundtruth(wildcards):
    """The ground truth of a data set: given, drawn with it, or downloaded."""
    data = SUITE.datasets[wildcards.dataset]
    if data.groundtruth is not None:
        return str(data.groundtruth)
    name = "gnd_landmarks.pkl" if data.synthetic is not None else "groundtruth.pkl"
    return f"{RESULTS}/data/{wildcards.dataset}/{name}"


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


def has_distractors(dataset, descriptor):
    """Whether a descriptor can be searched among a data set's distractors."""
    given = SUITE.descriptors[descriptor].existing
    if given is not None:
        return given[dataset].distractors is not None
    data = SUITE.datasets[dataset]
    return bool(
        SET or data.distractor_images or (data.synthetic and data.synthetic.distractors)
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
        or (SUITE.distractors and has_distractors(dataset, descriptor))
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
    ]


def checkpoint(wildcards):
    """The weights of a descriptor's network: given, downloaded, or those that come with the package."""
    given = SUITE.descriptors[wildcards.descriptor].extract
    if given.download is not None:
        return str(checkpoint_path(CATALOGUE[given.download], ROOT))
    return str(given.checkpoint or Path(os.path.relpath(MINI_CHECKPOINT)))


def finished_checkpoint(wildcards):
    """What says that the weights are there."""
    given = SUITE.descriptors[wildcards.descriptor].extract
    return downloaded(given.download) if given.download else checkpoint(wildcards)


def image_folders(wildcards):
    """The folders of a data set's images as options: given, or downloaded (both in one)."""
    data = SUITE.datasets[wildcards.dataset]
    if data.download is None:
        return options(
            query_images=data.query_images, database_images=data.database_images
        )
    folder = downloaded_file(wildcards, "images")
    return options(query_images=folder, database_images=folder)


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
    crop = SUITE.descriptors[wildcards.descriptor].extract.query_crop
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


def method_options(wildcards):
    """The method's name and parameters as options."""
    chosen = SUITE.methods[wildcards.method]
    left_out = {"label", "reranker", "parameters", "weights", "download"}
    own = options(method=chosen.reranker, **chosen.model_dump(exclude=left_out))
    others = (
        f"--set {shlex.quote(f'{name}={value}')}"
        for name, value in chosen.parameters.items()
    )
    return " ".join([own, *others])


def weights(method):
    """A local method's own weights: given, downloaded, or none."""
    chosen = SUITE.methods[method]
    if chosen.download is not None:
        return str(weights_path(CATALOGUE[chosen.download], ROOT))
    return str(chosen.weights) if chosen.weights is not None else None


def network_options(descriptor, method):
    """The networks of local features as options: the descriptor's, and the method's own weights."""
    given = SUITE.descriptors[descriptor].extract
    if given is None:
        return options(weights=weights(method))
    named = given.checkpoint or (
        checkpoint_path(CATALOGUE[given.download], ROOT) if given.download else None
    )
    return options(backbone=given.backbone, checkpoint=named, weights=weights(method))


def finished_networks(descriptor, method):
    """What says that those networks' weights are there."""
    given, chosen = SUITE.descriptors[descriptor].extract, SUITE.methods[method]
    names = [given.download if given else None, chosen.download]
    return [downloaded(name) for name in names if name is not None]


def local_folder(wildcards, split):
    """The folder of the local features that a method needs of a split; None for methods without."""
    name = features_name(SUITE, wildcards.descriptor, wildcards.method)
    return name and f"{RESULTS}/local/{name}/{wildcards.dataset}/{split}"


def finished_local(wildcards):
    """The records of the local features that a reranking waits for, and of its networks."""
    folders = [
        local_folder(wildcards, split) for split in ["queries", *splits(wildcards)]
    ]
    if folders[0] is None:
        return []
    networks = finished_networks(wildcards.descriptor, wildcards.method)
    return [f"{folder}/record.json" for folder in folders] + networks


def local_options(wildcards):
    """A local method's features and networks as options."""
    queries = local_folder(wildcards, "queries")
    if queries is None:
        return ""
    database = [
        options(local_database=local_folder(wildcards, split))
        for split in splits(wildcards)
    ]
    networks = network_options(wildcards.descriptor, wildcards.method)
    return " ".join([options(local_queries=queries), *database, networks])


def timed_local(wildcards):
    """The local features that are there anyway, by kind, for a timing: those of methods with accuracy."""
    return {
        LOCAL_KINDS[SUITE.methods[method].reranker]: f"{RESULTS}/local/"
        f"{features_name(SUITE, wildcards.descriptor, method)}/{wildcards.dataset}"
        for method in SUITE.methods
        if features_name(SUITE, wildcards.descriptor, method) is not None
        and accuracy_missing(
            SUITE, wildcards.descriptor, wildcards.dataset, "plain", method
        )
        is None
    }


def has_images(dataset):
    """Whether a data set's images are at hand."""
    data = SUITE.datasets[dataset]
    return data.groundtruth is None or data.database_images is not None


def timed_images(wildcards, split):
    """A split's images for a timing: a folder or a list; None where there are none."""
    if not has_images(wildcards.dataset):
        return None
    if SUITE.datasets[wildcards.dataset].synthetic is not None:
        return f"{RESULTS}/data/{wildcards.dataset}/{split}"
    return f"{RESULTS}/data/{wildcards.dataset}/{split}.txt"


def finished_timing(wildcards):
    """What a timing waits for beside descriptors and ground truth."""
    waits = [
        f"{folder}/{split}/record.json"
        for folder in timed_local(wildcards).values()
        for split in ("queries", "database")
    ]
    if has_images(wildcards.dataset):
        data = SUITE.datasets[wildcards.dataset]
        made = f"{RESULTS}/data/{wildcards.dataset}"
        waits += (
            [f"{made}/MANIFEST.json"]
            if data.synthetic
            else [f"{made}/queries.txt", f"{made}/database.txt"]
        )
    for method in SUITE.methods:
        waits += finished_networks(wildcards.descriptor, method)
    return list(dict.fromkeys(waits))


def timing_options(wildcards):
    """How to time, with what, as options."""
    timing = SUITE.timing
    given = SUITE.descriptors[wildcards.descriptor].extract
    chosen = {
        "shortlist": timing.shortlist,
        "sizes": ",".join(map(str, timing.sizes)) or None,
        "timed_queries": timing.queries,
        "repeats": timing.repeats,
        "budget": timing.budget,
        "precision": timing.precision,
        "seed": SUITE.seed,
        "dataset": wildcards.dataset,
        "query_images": timed_images(wildcards, "queries"),
        "database_images": timed_images(wildcards, "database"),
    }
    if given is not None:
        chosen |= {"backbone": given.backbone, "descriptor": given.preset}
        chosen["checkpoint"] = given.checkpoint or (
            checkpoint_path(CATALOGUE[given.download], ROOT) if given.download else None
        )
        if given.query_crop and has_images(wildcards.dataset):
            chosen["boxes"] = groundtruth(wildcards)
    for method, entry in SUITE.methods.items():
        kind = LOCAL_KINDS.get(entry.reranker)
        if weights(method) is not None and (kind == "xfeat" or entry.reranker == "rrt"):
            chosen["xfeat" if kind == "xfeat" else "rrt"] = weights(method)
    stored = [
        f"--local '{kind}={folder}/queries,{folder}/database'"
        for kind, folder in timed_local(wildcards).items()
    ]
    return " ".join([options(**chosen), *stored])


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
