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
    wildcard_constraints:
        method=one_of(running("builtin", "python")),
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
        digest=method_digest,
        code=fingerprint(
            "superglobal_core.steps.rerank_by_name",
            "superglobal_core.steps.rerank_local",
            "superglobal_core.reranking.methods",
        ),
    shell:
        "superglobal rerank --queries '{params.queries}' {params.databases} --search {input.search}"
        " --groundtruth {input.groundtruth} {params.options} {params.local} --say-why"
        " --out {output.ranking} > {log} 2>&1"
