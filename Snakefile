# The front door: `snakemake --cores all` runs the default suite; another one with --configfile.
if "suite" not in config:

    configfile: f"{workflow.basedir}/config/mini.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/methods.smk"
include: "workflow/rules/downloads.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/local.smk"
include: "workflow/rules/rerank.smk"
include: "workflow/rules/programs.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/timing.smk"
include: "workflow/rules/ablation_plan.smk"
include: "workflow/rules/ablation.smk"
include: "workflow/rules/scale_plan.smk"
include: "workflow/rules/scale.smk"
include: "workflow/rules/approximate_plan.smk"
include: "workflow/rules/approximate.smk"
include: "workflow/rules/report_plan.smk"
include: "workflow/rules/report.smk"


# No output of a rule: the steps that read it would then run again, or not at all, for changes of
# other keys. What they depend on is in their params.
onstart:
    save_suite(SUITE, f"{RESULTS}/suite.json")


onerror:
    command = ["snakemake", *sys.argv[1:]]
    if workflow.is_main_process and (left := unfinished(NEEDS, RESULTS, command)):
        logger.error(left)


localrules:
    all,
    ablation,


rule all:
    default_target: True
    input:
        f"{REPORTS}/index.html",


rule ablation:
    # One switch, module or parameter changed at a time: tables and pages of these alone.
    input:
        f"{REPORTS}/ablation",
