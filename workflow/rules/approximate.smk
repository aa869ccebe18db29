# Approximate indexes beside the exact search, of the largest database that a data set has.


rule approximate:
    input:
        features=finished_features,
        groundtruth=groundtruth,
    output:
        report(
            f"{RESULTS}/approximate/{{descriptor}}/{{dataset}}/{{size}}.json",
            category="Measurements",
            subcategory="Approximate search",
            labels={"descriptor": "{descriptor}", "data set": "{dataset}"},
            caption="../report/measurement.rst",
        ),
    log:
        f"{LOGS}/approximate/{{descriptor}}/{{dataset}}/{{size}}.log",
    conda:
        "../../environment.yml"
    # Searches are timed: all cores, and nothing beside them.
    threads: workflow.cores
    resources:
        gpu=GPU,
        mem_mb=memory("approximate"),
        runtime=minutes("approximate"),
    params:
        queries=lambda wildcards: features(wildcards, "queries"),
        databases=databases,
        options=lambda wildcards: options(
            **SUITE.approximate.model_dump(exclude={"kinds"}),
            kinds=",".join(SUITE.approximate.kinds),
            suite=SUITE.suite,
            dataset=wildcards.dataset,
            seed=SUITE.seed,
        ),
        code=fingerprint("superglobal_core.steps.approximate"),
    shell:
        "superglobal approximate --queries '{params.queries}' {params.databases} --groundtruth {input.groundtruth}"
        " {params.options} --say-why --out {output} > {log} 2>&1"
