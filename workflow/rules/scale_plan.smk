# What the sizes of a database are measured on, for the rules of scale.smk.


def world_options():
    """What is planted, as options."""
    world = SUITE.scale.world() if SUITE.scale else None
    chosen = {} if world is None else world.descriptor
    return options(**{key: value for key, value in chosen.items() if key != "kind"})


def scale_parts(size):
    """The folders of the ranges that make a database of some size."""
    return [
        f"{RESULTS}/planted/rows-{first}-{last}"
        for first, last in SUITE.scale.parts()
        if last <= size
    ]


def scale_rows(wildcards):
    """The records of the ranges of a size."""
    return [f"{folder}/record.json" for folder in scale_parts(int(wildcards.rows))]


def scales():
    """The measurement of every size."""
    return [f"{RESULTS}/{name}" for name in SUITE.scale.files()] if SUITE.scale else []


def scale_databases(wildcards):
    """The ranges of a size, as options."""
    return " ".join(
        f"--database '{folder}'" for folder in scale_parts(int(wildcards.rows))
    )
