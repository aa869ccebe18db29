"""The command line: one verb a step, each a thin call of one function."""

from superglobal_core.cli import data_verbs, feature_verbs, method_verbs, retrieval_verbs, study_verbs  # noqa: F401
from superglobal_core.cli.app import app, main

__all__ = ["app", "main"]
