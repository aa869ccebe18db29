# Reranking: one job a method, all on the shortlist of the same search.


# Pair by pair, some compute for hours; by global descriptors it takes a second, mostly the start of Python.
PAIRWISE = [
    name for name in running("builtin", "python") if local_kind(SUITE.methods[name])
]


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
        method=one_of(sorted(set(running("builtin", "python")) - set(PAIRWISE))),
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
        mem_mb=memory("rerank"),
        runtime=minutes("rerank"),
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


use rule rerank as rerank_local with:
    wildcard_constraints:
        method=one_of(PAIRWISE),
    threads: 8
    resources:
        gpu=GPU,
        mem_mb=memory("rerank_local"),
        runtime=minutes("rerank_local"),
