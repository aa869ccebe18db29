# The suite as it was run, for the steps that need more of it than options say.


rule suite:
    output:
        f"{RESULTS}/suite.json",
    log:
        f"{LOGS}/suite.log",
    conda:
        "../../environment.yml"
    params:
        suite=SUITE.model_dump(mode="json"),
        code=fingerprint("superglobal_core.config"),
    script:
        "../scripts/save_suite.py"
