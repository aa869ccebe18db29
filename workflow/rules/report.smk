# The report: one page and tables from all results of the suite.


rule report:
    input:
        evaluations=results_of("evaluation", ".json"),
        rankings=results_of("rankings", ".npz"),
        timings=timings(),
        ablations=ablations(),
        scales=scales(),
        approximations=approximations(),
        fast_checks=fast_checks(),
    output:
        page=page("index", "Results" if SUITE.datasets else "Overview"),
        pages=report_pages(),
        tables=report_tables(),
        figures=report(
            directory(f"{REPORTS}/figures"),
            patterns=["{figure}.svg"],
            category="Figures",
            labels={"figure": "{figure}"},
            caption="../report/figure.rst",
        ),
    log:
        f"{LOGS}/report.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("report"),
        runtime=minutes("report"),
    params:
        results=lambda wildcards: RESULTS,
        suite=shown_suite(),
        code=fingerprint("superglobal_core.reporting.report"),
    shell:
        "superglobal report --results {params.results} --out $(dirname {output.page}) > {log} 2>&1"
