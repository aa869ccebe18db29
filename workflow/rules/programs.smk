# Methods that are no part of the library: what their programs are given and leave, and results brought along.


class Program:
    """What `rule.smk` of a method may use, by the name METHOD: see docs/adding-a-method.md."""

    def __init__(self, found, entries):
        self.path, self.name = found.path, found.path.name
        self._entries = entries
        self.digest = folder_digest(found.path)
        if found.description.stage == "descriptor":
            place = f"{{descriptor}}/{{dataset}}/{{split}}"
            mine = f"{{descriptor,{one_of(entries)}}}/{{dataset}}/{{split}}"
            self.given = f"{RESULTS}/given-images/{place}"
            self.result = temp(f"{RESULTS}/rows/{mine}.npy")
        else:
            place = f"{{descriptor}}/{{dataset}}/{{size}}/{{method}}"
            mine = f"{{descriptor}}/{{dataset}}/{{size}}/{{method,{one_of(entries)}}}"
            self.given = f"{RESULTS}/given/{place}"
            self.result = f"{RESULTS}/orders/{mine}.npy"
        self.log = f"{LOGS}/programs/{place}.log"

    def file(self, name):
        """A file in the method's folder."""
        return str(self.path / name)

    def entry(self, wildcards):
        """What the suite says of the method at hand."""
        return self._entries[wildcards.get("method", wildcards.descriptor)]

    def parameters(self, wildcards):
        """The parameters as options of the program, with defaults."""
        return " ".join(
            f"--{name} {shlex.quote(str(value))}"
            for name, value in every_parameter(self.entry(wildcards)).items()
        )

    def weights(self, wildcards):
        """The weights that the suite gives, and what says that they are there."""
        return given_weights(self.entry(wildcards))

    def attempt(self, command):
        """The shell command that runs the program, and writes why where it fails."""
        return (
            f"superglobal attempt --method '{self.path}' --out '{{output}}' --log '{{log}}' <<'PROGRAM'\n"
            f"{command}\nPROGRAM"
        )


def every_parameter(chosen):
    """A method's parameters, with the defaults of its folder."""
    given = chosen.given() if hasattr(chosen, "given") else chosen.parameters
    found = chosen.found.folder().parameters(given)
    return {name: value for name, value in found.items() if value is not None}


def given_weights(chosen):
    """A method's weights as inputs of its rule."""
    if getattr(chosen, "download", None) is not None:
        return [
            str(weights_path(CATALOGUE[chosen.download], ROOT)),
            downloaded(chosen.download),
        ]
    return [str(chosen.weights)] if chosen.weights is not None else []


def programs(entries):
    """The programs among a suite's methods or descriptors, each with its entries."""
    by_folder = {}
    for name, chosen in entries.items():
        if chosen.found is not None and chosen.found.runs == "program":
            by_folder.setdefault(chosen.found.path, {})[name] = chosen
    return [
        Program(next(iter(mine.values())).found, mine) for mine in by_folder.values()
    ]


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
    params:
        queries=lambda wildcards: features(wildcards, "queries"),
        databases=databases,
        options=lambda wildcards: adopted_options(wildcards),
        local=local_folders,
        code=fingerprint("superglobal_core.steps.hand_over"),
    shell:
        "superglobal hand-over --queries '{params.queries}' {params.databases} --search {input.search}"
        " --groundtruth {input.groundtruth} {params.options} {params.local} --out {output} > {log} 2>&1"


def adopted_options(wildcards):
    """What is asked of a program, or of a ranking brought along, as options."""
    chosen = SUITE.methods[wildcards.method]
    return options(stage=chosen.found.description.stage, shortlist=chosen.shortlist)


def left(wildcards):
    """The file that a program leaves, or that was brought along."""
    chosen = SUITE.methods[wildcards.method]
    if chosen.runs == "results":
        return str(chosen.results[wildcards.dataset][wildcards.size])
    place = f"{wildcards.descriptor}/{wildcards.dataset}/{wildcards.size}"
    return f"{RESULTS}/orders/{place}/{wildcards.method}.npy"


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


# Only those that the suite uses.
for METHOD in [*programs(SUITE.methods), *programs(SUITE.descriptors)]:

    include: str((METHOD.path / "rule.smk").resolve())
