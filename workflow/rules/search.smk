# Exact search, with and without distractors.


rule search:
    input:
        features=finished_features,
        groundtruth=groundtruth,
    output:
        ranking=f"{RESULTS}/search/{{descriptor}}/{{dataset}}/{{size}}/topk.npz",
        record=f"{RESULTS}/search/{{descriptor}}/{{dataset}}/{{size}}/topk.record.json",
    log:
        f"{LOGS}/search/{{descriptor}}/{{dataset}}/{{size}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=memory("search"),
        runtime=minutes("search"),
    params:
        queries=lambda wildcards: features(wildcards, "queries"),
        databases=databases,
        places=SUITE.places,
        spare=options(
            spare=(
                True
                if SUITE.ablation
                or any(chosen.junk == "remove" for chosen in SUITE.methods.values())
                else None
            )
        ),
        code=fingerprint("superglobal_core.steps.search"),
    shell:
        "superglobal search --queries '{params.queries}' {params.databases} --k {params.places} {params.spare}"
        " --groundtruth {input.groundtruth} --say-why --out {output.ranking} > {log} 2>&1"
