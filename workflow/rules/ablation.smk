# Ablations: one switch, module or parameter changed at a time, and grids of the reranking's parameters.


rule ablation_features:
    # The shards are no outputs: Snakemake would delete the finished ones of an interrupted job.
    input:
        images=finished_images,
        boxes=base_boxes,
        checkpoint=lambda wildcards: finished_checkpoint_of(
            BASES[wildcards.base].extract
        ),
    output:
        f"{RESULTS}/ablation-features/{{base}}/{{dataset}}/{{split}}/record.json",
    log:
        f"{LOGS}/ablation-features/{{base}}/{{dataset}}/{{split}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=memory("ablation_features"),
        runtime=minutes("ablation_features"),
    params:
        suite=f"{RESULTS}/suite.json",
        images=image_source,
        options=lambda wildcards, input: options(
            checkpoint=checkpoint_of(BASES[wildcards.base].extract),
            boxes=input.boxes or None,
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
        report(
            f"{RESULTS}/ablation/{{base}}/{{dataset}}.json",
            category="Measurements",
            subcategory="Ablations",
            labels={"descriptor": "{base}", "data set": "{dataset}"},
            caption="../report/measurement.rst",
        ),
    log:
        f"{LOGS}/ablate/{{base}}/{{dataset}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=GPU,
        mem_mb=memory("ablate"),
        runtime=minutes("ablate"),
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
        report(
            f"{RESULTS}/sweeps/{{descriptor}}/{{dataset}}/plain.json",
            category="Measurements",
            subcategory="Sweeps",
            labels={"descriptor": "{descriptor}", "data set": "{dataset}"},
            caption="../report/measurement.rst",
        ),
    log:
        f"{LOGS}/sweep/{{descriptor}}/{{dataset}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=GPU,
        mem_mb=memory("sweep"),
        runtime=minutes("sweep"),
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


rule tune:
    # M, K and beta chosen on some queries, and reported on others.
    input:
        features=lambda wildcards: [
            f"{RESULTS}/features/{SUITE.ablation.descriptor}/{dataset}/{split}/record.json"
            for dataset in tuned_datasets(wildcards)
            for split in ("queries", "database")
        ],
        groundtruth=lambda wildcards: [
            groundtruth_of(dataset) for dataset in tuned_datasets(wildcards)
        ],
    output:
        report(
            f"{RESULTS}/tuning/{{tuning}}.json",
            category="Measurements",
            subcategory="Tunings",
            labels={"tuning": "{tuning}"},
            caption="../report/measurement.rst",
        ),
    log:
        f"{LOGS}/tune/{{tuning}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=GPU,
        mem_mb=memory("tune"),
        runtime=minutes("tune"),
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
    resources:
        mem_mb=memory("ablation_tables"),
        runtime=minutes("ablation_tables"),
    params:
        results=lambda wildcards: RESULTS,
        suite=shown_suite(),
        code=fingerprint("superglobal_core.reporting.report"),
    shell:
        "superglobal report --results {params.results} --only ablation --only parameters --out {output} > {log} 2>&1"
