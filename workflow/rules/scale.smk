# How cost grows: planted descriptors, range by range, and every size of a database measured alone.


rule planted_rows:
    # The shards are no outputs: a run that was cut short goes on with those it made.
    output:
        f"{RESULTS}/planted/rows-{{first}}-{{last}}/record.json",
    log:
        f"{LOGS}/planted/rows-{{first}}-{{last}}.log",
    wildcard_constraints:
        first=r"\d+",
        last=r"\d+",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("planted_rows"),
        runtime=minutes("planted_rows"),
    params:
        world=world_options(),
        shard_size=SUITE.scale.shard_size if SUITE.scale else None,
        code=fingerprint("superglobal_core.features.planted_shards"),
    shell:
        "superglobal planted-descriptors --rows {wildcards.first}..{wildcards.last} {params.world}"
        " --shard-size {params.shard_size} --replace --out $(dirname {output}) > {log} 2>&1"


rule planted_queries:
    output:
        record=f"{RESULTS}/planted/record.json",
        groundtruth=f"{RESULTS}/planted/gnd_planted.pkl",
    log:
        f"{LOGS}/planted/queries.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("planted_queries"),
        runtime=minutes("planted_queries"),
    params:
        world=world_options(),
        code=fingerprint("superglobal_core.features.planted_shards"),
    shell:
        "superglobal planted-descriptors {params.world} --replace --out $(dirname {output.record}) > {log} 2>&1"


rule scale:
    input:
        rows=scale_rows,
        queries=rules.planted_queries.output.record,
        groundtruth=rules.planted_queries.output.groundtruth,
    output:
        report(
            f"{RESULTS}/scale/{{rows}}.json",
            category="Measurements",
            subcategory="Growth with the database",
            labels={"vectors": "{rows}"},
            caption="../report/measurement.rst",
        ),
    log:
        f"{LOGS}/scale/{{rows}}.log",
    wildcard_constraints:
        rows=r"\d+",
    conda:
        "../../environment.yml"
    # All of them, so that no other job runs meanwhile.
    threads: workflow.cores
    resources:
        gpu=1,
        mem_mb=memory("scale"),
        runtime=minutes("scale"),
    params:
        databases=scale_databases,
        options=lambda wildcards: options(
            suite=SUITE.suite,
            **SUITE.scale.model_dump(
                include={"k", "shortlist", "neighbours", "beta", "repeats"}
            ),
        ),
        code=fingerprint("superglobal_core.steps.scale"),
    shell:
        "superglobal scale --queries $(dirname {input.queries})/queries {params.databases}"
        " --groundtruth {input.groundtruth} {params.options} --out {output} > {log} 2>&1"


rule scale_approximate:
    input:
        rows=scale_rows,
        queries=rules.planted_queries.output.record,
        groundtruth=rules.planted_queries.output.groundtruth,
    output:
        report(
            f"{RESULTS}/approximate/planted/{{rows}}.json",
            category="Measurements",
            subcategory="Approximate search",
            labels={"vectors": "{rows}"},
            caption="../report/measurement.rst",
        ),
    log:
        f"{LOGS}/approximate/planted/{{rows}}.log",
    wildcard_constraints:
        rows=r"\d+",
    conda:
        "../../environment.yml"
    # Searches are timed: all cores, and nothing beside them.
    threads: workflow.cores
    resources:
        gpu=GPU,
        mem_mb=memory("scale_approximate"),
        runtime=minutes("scale_approximate"),
    params:
        databases=scale_databases,
        options=lambda wildcards: options(
            suite=SUITE.suite,
            dataset="planted",
            kinds=",".join(SUITE.scale.approximate.kinds),
            **SUITE.scale.approximate.model_dump(include={"repeats", "budget"}),
            **SUITE.scale.model_dump(
                include={"k", "shortlist", "neighbours", "beta", "seed"}
            ),
        ),
        code=fingerprint("superglobal_core.steps.approximate"),
    shell:
        "superglobal approximate --queries $(dirname {input.queries})/queries {params.databases}"
        " --groundtruth {input.groundtruth} {params.options} --say-why --out {output} > {log} 2>&1"
