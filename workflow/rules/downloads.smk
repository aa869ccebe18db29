# Downloads: entries of the catalogue, and the archives of a distractor set, one job each.


rule download:
    # What is downloaded is no output: Snakemake would delete it before the job runs again.
    output:
        f"{ROOT}/records/{{download}}.json",
    log:
        f"{LOGS}/download/{{download}}.log",
    retries: 2
    conda:
        "../../environment.yml"
    resources:
        download_mb=download_mb,
        mem_mb=memory("download"),
        runtime=minutes("download"),
    params:
        catalogues=catalogue_options,
        # Another one when what was downloaded is gone.
        generation=lambda wildcards: NEEDS.generation(wildcards.download),
        note=lambda wildcards: str(generation_of(wildcards.download, ROOT)),
        root=lambda wildcards, output: os.path.dirname(os.path.dirname(output[0])),
    message:
        "Download {wildcards.download}: {resources.download_mb} MB to {params.root}"
    shell:
        "superglobal download {wildcards.download} {params.catalogues} --parts none --root '{params.root}'"
        " > {log} 2>&1 && echo {params.generation} > '{params.note}'"


rule groundtruth:
    input:
        lambda wildcards: downloaded(SUITE.datasets[wildcards.dataset].download),
    output:
        f"{RESULTS}/data/{{dataset}}/groundtruth.pkl",
    log:
        f"{LOGS}/groundtruth/{{dataset}}.log",
    wildcard_constraints:
        dataset=one_of(DOWNLOADED),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory("groundtruth"),
        runtime=minutes("groundtruth"),
    params:
        file=lambda wildcards: str(downloaded_file(wildcards, "groundtruth")),
    shell:
        "cp '{params.file}' {output} > {log} 2>&1"


if SET:

    rule distractor_archive:
        # Download, unpack, describe, delete: a million images are never on the disk at once.
        input:
            checkpoints=[
                downloaded(entry.name)
                for entry in NEEDS.entries
                if entry.kind == "checkpoint"
            ],
        output:
            [
                f"{RESULTS}/features/{descriptor}/{SET}/part-{{part}}/record.json"
                for descriptor in EXTRACTED
            ],
        log:
            f"{LOGS}/distractors/{SET}/{{part}}.log",
        # What came before it failed is there still; the other archives go on (profiles: keep-going).
        retries: 2
        conda:
            "../../environment.yml"
        threads: 8
        resources:
            gpu=1,
            download_mb=archive_mb,
            mem_mb=memory("distractor_archive"),
            runtime=minutes("distractor_archive"),
        params:
            suite=f"{RESULTS}/suite.json",
            features=f"{RESULTS}/features",
            descriptors={
                name: SUITE.descriptors[name].extract.model_dump(mode="json")
                for name in EXTRACTED
            },
            code=fingerprint("superglobal_core.steps.extract"),
        message:
            f"Archive {{wildcards.part}} of {SET}: {{resources.download_mb}} MB, described and deleted"
        shell:
            "superglobal distractors --suite {params.suite} --part $((10#{wildcards.part}))"
            " --out {params.features} > {log} 2>&1"
