# Timing: all methods in turn on the same shortlists, with nothing else running beside.


rule time:
    input:
        features=finished_features,
        groundtruth=groundtruth,
        others=finished_timing,
    output:
        report(
            f"{RESULTS}/timing/{{descriptor}}/{{dataset}}/{{size}}.json",
            category="Measurements",
            subcategory="Timings",
            labels={"descriptor": "{descriptor}", "data set": "{dataset}"},
            caption="../report/measurement.rst",
        ),
    log:
        f"{LOGS}/time/{{descriptor}}/{{dataset}}/{{size}}.log",
    conda:
        "../../environment.yml"
    # All of them, so that no other job runs meanwhile.
    threads: workflow.cores
    resources:
        gpu=1,
        mem_mb=memory("time"),
        runtime=minutes("time"),
    params:
        suite=f"{RESULTS}/suite.json",
        queries=lambda wildcards: features(wildcards, "queries"),
        databases=databases,
        options=timing_options,
        methods=timed_methods(),
        code=fingerprint("superglobal_core.steps.time"),
    shell:
        "superglobal time --suite {params.suite} --queries '{params.queries}' {params.databases}"
        " {params.options} --out {output} > {log} 2>&1"
