# Data sets: drawn on the spot, or listed from folders of images.


rule landmarks:
    # The pictures themselves are no outputs: a run that was cut short goes on with those it made.
    output:
        groundtruth=f"{RESULTS}/data/{{dataset}}/gnd_landmarks.pkl",
        manifest=f"{RESULTS}/data/{{dataset}}/MANIFEST.json",
    log:
        f"{LOGS}/landmarks/{{dataset}}.log",
    wildcard_constraints:
        dataset=one_of(DRAWN),
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        mem_mb=memory("landmarks"),
        runtime=minutes("landmarks"),
    params:
        options=lambda wildcards: options(
            **SUITE.datasets[wildcards.dataset].synthetic.model_dump()
        ),
        code=fingerprint("superglobal_core.data.landmarks"),
    shell:
        "superglobal landmarks {params.options} --processes {threads} --replace"
        " --out $(dirname {output.manifest}) > {log} 2>&1"


rule lists:
    input:
        groundtruth=groundtruth,
    output:
        queries=f"{RESULTS}/data/{{dataset}}/queries.txt",
        database=f"{RESULTS}/data/{{dataset}}/database.txt",
    log:
        f"{LOGS}/lists/{{dataset}}.log",
    wildcard_constraints:
        dataset=one_of(sorted(set(SUITE.datasets) - set(DRAWN))),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("lists"),
        runtime=minutes("lists"),
    params:
        folders=image_folders,
        code=fingerprint("superglobal_core.steps.lists"),
    shell:
        "superglobal lists --groundtruth {input.groundtruth} {params.folders}"
        " --out $(dirname {output.queries}) > {log} 2>&1"
