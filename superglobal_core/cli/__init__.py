"""The command line: one verb a step, each a thin call of one function."""

from superglobal_core.cli import (  # noqa: F401
    ablation_verbs,
    data_verbs,
    feature_verbs,
    index_verbs,
    method_verbs,
    parameter_verbs,
    quickstart_verb,
    report_verbs,
    retrieval_verbs,
    scale_verbs,
    study_verbs,
)
from superglobal_core.cli.app import app, main

__all__ = ["app", "main"]
