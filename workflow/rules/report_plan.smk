# What the report consists of, marked for Snakemake's own `--report`.


report: "../report/workflow.rst"


def page(name, title):
    """A page of the report."""
    return report(
        f"{REPORTS}/{name}.html",
        category="Pages",
        labels={"page": title},
        caption="../report/page.rst",
    )


def table(file, what, caption="table"):
    """A table of the report."""
    return report(
        f"{REPORTS}/{file}",
        category="Tables",
        labels={"table": what, "format": Path(file).suffix[1:]},
        caption=f"../report/{caption}.rst",
    )


def report_pages():
    """The pages beside the first that this suite surely has; others depend on the results."""
    ablated = {Path(file).relative_to(RESULTS).parts[0] for file in ablations()}
    found = {
        "verdict": ("Reproduced?", SUITE.datasets),
        "speed": ("Speed", SUITE.datasets and timings()),
        "ablation": ("Ablations", "ablation" in ablated),
        "parameters": ("Parameters", ablated & {"sweeps", "tuning"}),
        "scale": ("Growth with the database", scales()),
        "approximate": ("Approximate search", approximations()),
        "provenance": ("Provenance", True),
    }
    return [page(name, title) for name, (title, there) in found.items() if there]


def report_tables():
    """The tables that it surely has."""
    if not SUITE.datasets:
        names = ["scale.csv", "scale.md", "scale.json"]
        return [table(name, "growth with the database") for name in names]
    return [
        *(table(f"map.{suffix}", "mAP") for suffix in ("csv", "md", "tex")),
        table("per_query.csv", "AP of every query"),
        table("citations.bib", "works to cite", "citations"),
    ]
