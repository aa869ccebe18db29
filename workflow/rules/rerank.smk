# Reranking: one job a method, all on the shortlist of the same search.


rule rerank:
    input:
        features=finished_features,
        groundtruth=groundtruth,
        search=rules.search.output.ranking,
        local=finished_local,
    output:
        ranking=f"{RESULTS}/rankings/{{descriptor}}/{{dataset}}/{{size}}/{{method}}.npz",
        record=f"{RESULTS}/rankings/{{descriptor}}/{{dataset}}/{{size}}/{{method}}.record.json",
    log:
        f"{LOGS}/rerank/{{descriptor}}/{{dataset}}/{{size}}/{{method}}.log",
    conda:
        "../../environment.yml"
    threads: rerank_threads
    resources:
        gpu=GPU,
    params:
        queries=lambda wildcards: features(wildcards, "queries"),
        databases=databases,
        options=method_options,
        local=local_options,
        code=fingerprint(
            "superglobal_core.steps.rerank",
            "superglobal_core.steps.rerank_local",
            "superglobal_core.reranking.methods",
        ),
    shell:
        "superglobal rerank --queries '{params.queries}' {params.databases} --search {input.search}"
        " --groundtruth {input.groundtruth} {params.options} {params.local} --out {output.ranking} > {log} 2>&1"
