# Local features, for reranking pair by pair.


rule local:
    # The shards are no outputs: Snakemake would delete the finished ones of an interrupted job.
    input:
        images=finished_images,
        boxes=lambda wildcards: (
            groundtruth(wildcards) if wildcards.split == "queries" else []
        ),
        networks=lambda wildcards: finished_networks(*LOCAL[wildcards.local]),
    output:
        f"{RESULTS}/local/{{local}}/{{dataset}}/{{split}}/record.json",
    log:
        f"{LOGS}/local/{{local}}/{{dataset}}/{{split}}.log",
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=memory("local"),
        runtime=minutes("local"),
    params:
        images=image_source,
        kind=lambda wildcards: local_kind(SUITE.methods[LOCAL[wildcards.local][1]]),
        networks=lambda wildcards: network_options(*LOCAL[wildcards.local]),
        boxes=lambda wildcards, input: options(boxes=input.boxes or None),
        code=fingerprint("superglobal_core.steps.local"),
    shell:
        "superglobal local --images '{params.images}' --kind {params.kind} {params.networks} {params.boxes}"
        " --replace --out $(dirname {output}) > {log} 2>&1"
