"""Which verbs there are, in the order of the work: the table that `superglobal --help` is made of."""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "Get started": ("doctor", "quickstart", "landmarks", "download", "lists"),
    "Features": ("extract", "extract-variants", "check-fast", "codes", "gather", "distractors"),
    "Search and rerank": ("search", "rerank", "local", "index"),
    "Evaluate and report": ("evaluate", "report", "compare", "leaderboard", "verify"),
    "Methods of your own": (
        "new-method",
        "check-method",
        "hand-over",
        "hand-over-images",
        "attempt",
        "adopt",
        "adopt-descriptors",
    ),
    "Studies": ("sweep", "tune", "ablation-features", "ablate", "approximate"),
    "Timing": ("time",),
    "Scale": ("planted-descriptors", "scale"),
    "Training": ("train-mini",),
}


def in_order(verbs: list[str]) -> list[str]:
    """Return verbs in the order of the work; what is in no group comes last.

    >>> in_order(["time", "lists", "other", "doctor"])
    ['doctor', 'lists', 'time', 'other']
    """
    listed = [verb for group in GROUPS.values() for verb in group if verb in verbs]
    return [*listed, *(verb for verb in verbs if verb not in listed)]
