# Descriptors: extracted from images, or unpacked from codes.


rule extract:
    # The shards are no outputs: Snakemake would delete the finished ones of an interrupted job.
    input:
        images=finished_images,
        boxes=boxes,
        checkpoint=finished_checkpoint,
    output:
        f"{RESULTS}/features/{{descriptor}}/{{dataset}}/{{split}}/record.json",
    log:
        f"{LOGS}/extract/{{descriptor}}/{{dataset}}/{{split}}.log",
    wildcard_constraints:
        descriptor=one_of(EXTRACTED),
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=memory("extract"),
        runtime=minutes("extract"),
    params:
        images=image_source,
        checkpoint=checkpoint,
        options=extract_options,
        code=fingerprint("superglobal_core.steps.extract"),
    shell:
        "superglobal extract --images {params.images} --checkpoint {params.checkpoint} {params.options}"
        " --replace --out $(dirname {output}) > {log} 2>&1"


rule check_fast:
    # What the fast mode costs in mAP; beyond half a point the job fails.
    input:
        lambda wildcards: [
            f"{RESULTS}/features/{wildcards.descriptor}/{wildcards.dataset}/{split}/record.json"
            for split in ("queries", "database")
        ],
        groundtruth=groundtruth,
        checkpoint=finished_checkpoint,
    output:
        f"{RESULTS}/features/{{descriptor}}/{{dataset}}/check-fast.json",
    log:
        f"{LOGS}/check-fast/{{descriptor}}/{{dataset}}.log",
    wildcard_constraints:
        descriptor=one_of(EXTRACTED),
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=memory("check_fast"),
        runtime=minutes("check_fast"),
    params:
        images=lambda wildcards: options(
            query_images=split_images(wildcards.dataset, "queries"),
            database_images=split_images(wildcards.dataset, "database"),
        ),
        checkpoint=checkpoint,
        code=fingerprint("superglobal_core.steps.check_fast"),
    shell:
        "features=$(dirname {output}); superglobal check-fast --queries $features/queries"
        " --database $features/database {params.images} --groundtruth {input.groundtruth}"
        " --checkpoint {params.checkpoint} --out {output} > {log} 2>&1"


rule codes:
    input:
        codes=lambda wildcards: str(existing(wildcards).codes),
        groundtruth=groundtruth,
    output:
        queries=f"{RESULTS}/features/{{descriptor}}/{{dataset}}/queries/record.json",
        database=f"{RESULTS}/features/{{descriptor}}/{{dataset}}/database/record.json",
    log:
        f"{LOGS}/codes/{{descriptor}}/{{dataset}}.log",
    wildcard_constraints:
        descriptor=one_of(
            name
            for name, descriptor in SUITE.descriptors.items()
            if descriptor.existing is not None
        ),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("codes"),
        runtime=minutes("codes"),
    params:
        bits=lambda wildcards: options(bits=existing(wildcards).bits),
        code=fingerprint("superglobal_core.steps.codes"),
    shell:
        "superglobal codes --codes {input.codes} --groundtruth {input.groundtruth} {params.bits}"
        " --out $(dirname $(dirname {output.queries})) > {log} 2>&1"


rule gather:
    # All distractors of a set, or a subset of them, as one folder of shards.
    input:
        finished_gathered,
        lambda wildcards: downloaded(SET) if wildcards.source == SET else [],
    output:
        f"{RESULTS}/features/{{descriptor}}/{{source}}/{{gathered}}/record.json",
    log:
        f"{LOGS}/gather/{{descriptor}}/{{source}}/{{gathered}}.log",
    wildcard_constraints:
        source=one_of([SET] if SET else SUITE.datasets),
        gathered=(
            f"distractors-{SUBSET}" if SUBSET else one_of(["distractors"] * bool(SET))
        ),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("gather"),
        runtime=minutes("gather"),
    params:
        parts=lambda wildcards: " ".join(
            f"--part '{folder}'" for folder in gathered(wildcards)
        ),
        options=gather_options,
        code=fingerprint("superglobal_core.steps.gather"),
    shell:
        "superglobal gather {params.parts} {params.options} --out $(dirname {output}) > {log} 2>&1"
