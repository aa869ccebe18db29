# Ablations: one switch, module or parameter changed at a time, and grids of the reranking's parameters.

BASES = {base.name: base for base in ABLATION_BASES}
ABLATED = (SUITE.ablation.datasets or list(SUITE.datasets)) if SUITE.ablation else []
TUNINGS = {
    f"{tuning.tuned_on}-to-{tuning.reported_on or 'other-half'}": tuning
    for tuning in (SUITE.ablation.tuning if SUITE.ablation else [])
}


wildcard_constraints:
    tuning=one_of(TUNINGS),
    base=one_of(BASES),
    ablated=one_of(ABLATED),


def ablations():
    """The files of a suite's ablation: one a base and data set, and the grids."""
    files = [
        f"{RESULTS}/ablation/{base}/{dataset}.json"
        for base in BASES
        for dataset in ABLATED
    ]
    if SUITE.ablation and SUITE.ablation.grids:
        files += [
            f"{RESULTS}/sweeps/{SUITE.ablation.descriptor}/{dataset}/plain.json"
            for dataset in ABLATED
        ]
    return files + [f"{RESULTS}/tuning/{name}.json" for name in TUNINGS]


def base_checkpoint(wildcards):
    """The weights of a base's network."""
    given = BASES[wildcards.base].extract
    if given.download is not None:
        return str(checkpoint_path(CATALOGUE[given.download], ROOT))
    return str(given.checkpoint or Path(os.path.relpath(MINI_CHECKPOINT)))


def finished_base_checkpoint(wildcards):
    """What says that those weights are there."""
    given = BASES[wildcards.base].extract
    return downloaded(given.download) if given.download else base_checkpoint(wildcards)


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
    """What says that all descriptors of an ablation are there."""
    folders = [
        folder
        for split in ("queries", "database")
        for folder in (
            ablation_folder(wildcards, split),
            base_features(wildcards, split),
        )
    ]
    return [f"{folder}/record.json" for folder in folders]


def base_search(wildcards):
    """The base's search, shared with the suite's methods; another backbone has none."""
    base = BASES[wildcards.base]
    if base.backbone is not None:
        return []
    return f"{RESULTS}/search/{base.descriptor}/{wildcards.dataset}/plain/topk.npz"


rule ablation_features:
    # The shards are no outputs: Snakemake would delete the finished ones of an interrupted job.
    input:
        images=finished_images,
        boxes=base_boxes,
        checkpoint=finished_base_checkpoint,
    output:
        f"{RESULTS}/ablation-features/{{base}}/{{dataset}}/{{split}}/record.json",
    log:
        f"{LOGS}/ablation-features/{{base}}/{{dataset}}/{{split}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=1,
    params:
        suite=f"{RESULTS}/suite.json",
        images=image_source,
        options=lambda wildcards, input: options(
            checkpoint=base_checkpoint(wildcards), boxes=input.boxes or None
        ),
        changes=changes_of,
        code=fingerprint("superglobal_core.steps.ablation_features"),
    shell:
        "superglobal ablation-features --suite {params.suite} --base {wildcards.base} --split {wildcards.split}"
        " --images '{params.images}' {params.options} --out $(dirname {output}) > {log} 2>&1"


rule ablate:
    input:
        features=finished_base,
        groundtruth=groundtruth,
        search=base_search,
    output:
        f"{RESULTS}/ablation/{{base}}/{{dataset}}.json",
    log:
        f"{LOGS}/ablate/{{base}}/{{dataset}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=GPU,
    params:
        suite=f"{RESULTS}/suite.json",
        queries=lambda wildcards: base_features(wildcards, "queries"),
        database=lambda wildcards: base_features(wildcards, "database"),
        variants=lambda wildcards: os.path.dirname(
            ablation_folder(wildcards, "queries")
        ),
        search=lambda wildcards, input: options(search=input.search or None),
        ablation=SUITE.ablation and SUITE.ablation.model_dump(mode="json"),
        resampling=[SUITE.bootstrap, SUITE.seed],
        code=fingerprint("superglobal_core.steps.ablate"),
    shell:
        "superglobal ablate --suite {params.suite} --base {wildcards.base} --dataset {wildcards.dataset}"
        " --queries '{params.queries}' --database '{params.database}' --variants '{params.variants}'"
        " --groundtruth {input.groundtruth} {params.search} --out {output} > {log} 2>&1"


rule sweep:
    input:
        features=lambda wildcards: [
            f"{RESULTS}/features/{wildcards.descriptor}/{wildcards.dataset}/{split}/record.json"
            for split in ("queries", "database")
        ],
        groundtruth=groundtruth,
        search=f"{RESULTS}/search/{{descriptor}}/{{dataset}}/plain/topk.npz",
    output:
        f"{RESULTS}/sweeps/{{descriptor}}/{{dataset}}/plain.json",
    log:
        f"{LOGS}/sweep/{{descriptor}}/{{dataset}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=GPU,
    params:
        folder=lambda wildcards: f"{RESULTS}/features/{wildcards.descriptor}/{wildcards.dataset}",
        grids=lambda wildcards: options(
            **{
                name: ",".join(map(str, values))
                for name, values in SUITE.ablation.grids.model_dump().items()
            },
            suite=SUITE.suite,
            dataset=wildcards.dataset,
        ),
        code=fingerprint("superglobal_core.steps.sweep"),
    shell:
        "superglobal sweep --queries {params.folder}/queries --database {params.folder}/database"
        " --groundtruth {input.groundtruth} --search {input.search} {params.grids} --out {output} > {log} 2>&1"


def tuned_datasets(wildcards):
    """The data sets that a tuning works on."""
    tuning = TUNINGS[wildcards.tuning]
    return [tuning.tuned_on, *([tuning.reported_on] if tuning.reported_on else [])]


def truth_of(dataset):
    """The ground truth of a data set by its name."""
    return groundtruth(type("", (), {"dataset": dataset}))


def tune_options(wildcards):
    """The descriptors, ground truths and grids of a tuning as options."""
    tuning, named = TUNINGS[wildcards.tuning], tuned_datasets(wildcards)
    chosen = {}
    for prefix, dataset in zip(("", "report_"), named):
        folder = f"{RESULTS}/features/{SUITE.ablation.descriptor}/{dataset}"
        chosen |= {
            f"{prefix}queries": f"{folder}/queries",
            f"{prefix}database": f"{folder}/database",
            f"{prefix}groundtruth": truth_of(dataset),
            f"{prefix}dataset": dataset,
        }
    for name in ("shortlists", "neighbours", "betas"):
        chosen[name] = ",".join(map(str, getattr(tuning, name)))
    half = " --half" if len(named) == 1 else ""
    return (
        options(**chosen, protocol=tuning.protocol, suite=SUITE.suite, seed=SUITE.seed)
        + half
    )


rule tune:
    # M, K and beta chosen on some queries, and reported on others.
    input:
        features=lambda wildcards: [
            f"{RESULTS}/features/{SUITE.ablation.descriptor}/{dataset}/{split}/record.json"
            for dataset in tuned_datasets(wildcards)
            for split in ("queries", "database")
        ],
        groundtruth=lambda wildcards: [
            truth_of(dataset) for dataset in tuned_datasets(wildcards)
        ],
    output:
        f"{RESULTS}/tuning/{{tuning}}.json",
    log:
        f"{LOGS}/tune/{{tuning}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=GPU,
    params:
        options=tune_options,
        code=fingerprint("superglobal_core.steps.tune"),
    shell:
        "superglobal tune {params.options} --out {output} > {log} 2>&1"


rule ablation_tables:
    # The ablation's pages and tables alone; the report has them too.
    input:
        ablations(),
    output:
        directory(f"{REPORTS}/ablation"),
    log:
        f"{LOGS}/ablation.log",
    conda:
        "../../environment.yml"
    params:
        results=lambda wildcards: RESULTS,
        suite=SUITE.model_dump(mode="json"),
        code=fingerprint("superglobal_core.reporting.report"),
    shell:
        "superglobal report --results {params.results} --only ablation --only parameters --out {output} > {log} 2>&1"
