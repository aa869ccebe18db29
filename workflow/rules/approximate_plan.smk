# Which approximate indexes a suite compares, for the rules of approximate.smk.


def approximations():
    """The files of a suite's key `approximate`: one a descriptor and data set."""
    return [f"{RESULTS}/{name}" for name in approximate_files(SUITE)]
