# Evaluation under the revisited protocol.


rule evaluate:
    input:
        ranking=rules.rerank.output.ranking,
        groundtruth=groundtruth,
    output:
        report(
            f"{RESULTS}/evaluation/{{descriptor}}/{{dataset}}/{{size}}/{{method}}.json",
            category="Evaluations",
            subcategory="{dataset}",
            labels={
                "descriptor": "{descriptor}",
                "method": "{method}",
                "database": "{size}",
            },
            caption="../report/evaluation.rst",
        ),
    log:
        f"{LOGS}/evaluate/{{descriptor}}/{{dataset}}/{{size}}/{{method}}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("evaluate"),
        runtime=minutes("evaluate"),
    params:
        options=lambda wildcards: options(
            suite=SUITE.suite,
            dataset=wildcards.dataset,
            bootstrap=SUITE.bootstrap,
            seed=SUITE.seed,
        ),
        code=fingerprint("superglobal_core.steps.evaluate"),
    shell:
        "superglobal evaluate --groundtruth {input.groundtruth} --ranks {input.ranking} {params.options}"
        " --out {output} > {log} 2>&1"
