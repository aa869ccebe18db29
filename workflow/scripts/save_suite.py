"""Keep the suite as it was run, with all its defaults, beside its results."""

from superglobal_core.config import parse_suite, save_suite

save_suite(parse_suite(snakemake.params.suite, "the suite's configuration"), snakemake.output[0])  # noqa: F821
