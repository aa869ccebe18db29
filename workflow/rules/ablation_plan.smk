# What the rules of ablations share: their bases, and the functions that they use.

BASES = {base.name: base for base in ABLATION_BASES}
TUNINGS = tunings(SUITE)


wildcard_constraints:
    tuning=one_of(TUNINGS),
    base=one_of(BASES),


def ablations():
    """The files of a suite's ablation: one a base and data set, the grids and the tunings."""
    return [f"{RESULTS}/{name}" for name in ablation_files(SUITE)]


def base_boxes(wildcards):
    """The queries' boxes; a change that describes queries whole leaves them out by itself."""
    return groundtruth(wildcards) if wildcards.split == "queries" else []


def changes_of(wildcards):
    """What is extracted for a base's split: the changes that touch it."""
    base = BASES[wildcards.base]
    wanted = [
        (change.folder, repr(sorted(change.settings.items())))
        for change in base.changes
        if change.touches_split(wildcards.split)
    ]
    return [repr(base.extract), *wanted]


def ablation_folder(wildcards, split):
    """The folder of the changes' descriptors of a split."""
    return f"{RESULTS}/ablation-features/{wildcards.base}/{wildcards.dataset}/{split}"


def base_features(wildcards, split):
    """A base's own descriptors: the suite's, or extracted with the changes on another backbone."""
    base = BASES[wildcards.base]
    if base.backbone is not None:
        return f"{ablation_folder(wildcards, split)}/base"
    return f"{RESULTS}/features/{base.descriptor}/{wildcards.dataset}/{split}"


def finished_base(wildcards):
    """What says that all descriptors of an ablation are there; another backbone's base is among the changes'."""
    own = BASES[wildcards.base].backbone is None
    folders = []
    for split in ("queries", "database"):
        folders.append(ablation_folder(wildcards, split))
        folders += [base_features(wildcards, split)] * own
    return [f"{folder}/record.json" for folder in folders]


def base_search(wildcards):
    """The base's search, shared with the suite's methods; another backbone has none."""
    base = BASES[wildcards.base]
    if base.backbone is not None:
        return []
    return f"{RESULTS}/search/{base.descriptor}/{wildcards.dataset}/plain/topk.npz"


def tuned_datasets(wildcards):
    """The data sets that a tuning works on."""
    tuning = TUNINGS[wildcards.tuning]
    return [tuning.tuned_on, *([tuning.reported_on] if tuning.reported_on else [])]


def tune_options(wildcards):
    """The descriptors, ground truths and grids of a tuning as options."""
    tuning, named = TUNINGS[wildcards.tuning], tuned_datasets(wildcards)
    chosen = {}
    for prefix, dataset in zip(("", "report_"), named):
        folder = f"{RESULTS}/features/{SUITE.ablation.descriptor}/{dataset}"
        chosen |= {
            f"{prefix}queries": f"{folder}/queries",
            f"{prefix}database": f"{folder}/database",
            f"{prefix}groundtruth": groundtruth_of(dataset),
            f"{prefix}dataset": dataset,
        }
    for name in ("shortlists", "neighbours", "betas"):
        chosen[name] = ",".join(map(str, getattr(tuning, name)))
    half = " --half" if len(named) == 1 else ""
    return (
        options(**chosen, protocol=tuning.protocol, suite=SUITE.suite, seed=SUITE.seed)
        + half
    )
