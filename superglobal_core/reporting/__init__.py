"""Reporting: a suite's result files as one page, tables and figures."""
