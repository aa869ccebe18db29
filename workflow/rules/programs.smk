# Methods that are no part of the library: what their programs are given and leave, and results brought along.


DESCRIBED = [
    name for name, descriptor in SUITE.descriptors.items() if descriptor.is_program
]


rule hand_over:
    # Large and only for one program: gone when that has run.
    input:
        features=finished_features,
        groundtruth=groundtruth,
        search=rules.search.output.ranking,
        local=finished_local,
    output:
        temp(
            directory(
                f"{RESULTS}/given/{{descriptor}}/{{dataset}}/{{size}}/{{method}}"
            )
        ),
    log:
        f"{LOGS}/hand-over/{{descriptor}}/{{dataset}}/{{size}}/{{method}}.log",
    wildcard_constraints:
        method=one_of(running("program")),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("hand_over"),
        runtime=minutes("hand_over"),
    params:
        queries=lambda wildcards: features(wildcards, "queries"),
        databases=databases,
        options=adopted_options,
        local=local_folders,
        code=fingerprint("superglobal_core.steps.hand_over"),
    shell:
        "superglobal hand-over --queries '{params.queries}' {params.databases} --search {input.search}"
        " --groundtruth {input.groundtruth} {params.options} {params.local} --out {output} > {log} 2>&1"


rule adopt:
    input:
        features=finished_features,
        groundtruth=groundtruth,
        search=rules.search.output.ranking,
        order=left,
    output:
        ranking=f"{RESULTS}/rankings/{{descriptor}}/{{dataset}}/{{size}}/{{method}}.npz",
        record=f"{RESULTS}/rankings/{{descriptor}}/{{dataset}}/{{size}}/{{method}}.record.json",
    log:
        f"{LOGS}/adopt/{{descriptor}}/{{dataset}}/{{size}}/{{method}}.log",
    wildcard_constraints:
        method=one_of(running("program", "results")),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("adopt"),
        runtime=minutes("adopt"),
    params:
        queries=lambda wildcards: features(wildcards, "queries"),
        databases=databases,
        name=lambda wildcards: SUITE.methods[wildcards.method].reranker,
        options=adopted_options,
        settings=lambda wildcards: settings(
            every_parameter(SUITE.methods[wildcards.method])
        ),
        brought=lambda wildcards: (
            "--brought" if SUITE.methods[wildcards.method].runs == "results" else ""
        ),
        digest=method_digest,
        code=fingerprint("superglobal_core.steps.adopt"),
    shell:
        "superglobal adopt --order '{input.order}' --queries '{params.queries}' {params.databases}"
        " --search {input.search} --groundtruth {input.groundtruth} --method '{params.name}' {params.options}"
        " {params.settings} {params.brought} --say-why --out {output.ranking} > {log} 2>&1"


rule hand_over_images:
    input:
        images=finished_images,
        boxes=boxes,
    output:
        temp(directory(f"{RESULTS}/given-images/{{descriptor}}/{{dataset}}/{{split}}")),
    log:
        f"{LOGS}/hand-over-images/{{descriptor}}/{{dataset}}/{{split}}.log",
    wildcard_constraints:
        descriptor=one_of(DESCRIBED),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("hand_over_images"),
        runtime=minutes("hand_over_images"),
    params:
        images=image_source,
        boxes=lambda wildcards, input: options(boxes=input.boxes or None),
        code=fingerprint("superglobal_core.steps.hand_over"),
    shell:
        "superglobal hand-over-images --images '{params.images}' {params.boxes} --out {output} > {log} 2>&1"


rule adopt_descriptors:
    input:
        images=finished_images,
        boxes=boxes,
        rows=f"{RESULTS}/rows/{{descriptor}}/{{dataset}}/{{split}}.npy",
    output:
        f"{RESULTS}/features/{{descriptor}}/{{dataset}}/{{split}}/record.json",
    log:
        f"{LOGS}/adopt-descriptors/{{descriptor}}/{{dataset}}/{{split}}.log",
    wildcard_constraints:
        descriptor=one_of(DESCRIBED),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("adopt_descriptors"),
        runtime=minutes("adopt_descriptors"),
    params:
        images=image_source,
        boxes=lambda wildcards, input: options(boxes=input.boxes or None),
        name=lambda wildcards: SUITE.descriptors[wildcards.descriptor].method,
        settings=lambda wildcards: settings(
            every_parameter(SUITE.descriptors[wildcards.descriptor])
        ),
        digest=lambda wildcards: folder_digest(
            SUITE.descriptors[wildcards.descriptor].found.path
        ),
        code=fingerprint("superglobal_core.steps.adopt_descriptors"),
    shell:
        "superglobal adopt-descriptors --rows {input.rows} --images '{params.images}' {params.boxes}"
        " --method '{params.name}' {params.settings} --digest {params.digest} --say-why"
        " --out $(dirname {output}) > {log} 2>&1"


# Only those that the suite uses. As `include:` does, and with the method's name where it fails.
for METHOD in [*programs(SUITE.methods), *programs(SUITE.descriptors)]:
    try:
        workflow.include(str((METHOD.path / "rule.smk").resolve()))
    except Exception as error:
        raise WorkflowError(
            f"the method '{METHOD.name}': {METHOD.path / 'rule.smk'} is no rule that can be used: "
            f"{' '.join(str(error).split()) or type(error).__name__}"
        )
