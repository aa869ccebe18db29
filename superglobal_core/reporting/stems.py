"""Names of figures' files, from names that people chose."""

from __future__ import annotations

import re
from collections.abc import Collection


def file_stem(name: str, known: Collection[str], number: int) -> str:
    """Return a file name, without suffix, that stands for `name`.

    known: names that a suite checked, which are file names as they are; of others harmless letters stay,
    and `number` keeps them apart.

    >>> file_stem("roxford5k", ["roxford5k"], 1), file_stem("my set/2", [], 3)
    ('roxford5k', '3-my-set-2')
    """
    return name if name in known else f"{number}-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')[:40]}"
