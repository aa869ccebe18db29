"""The step `doctor`: what this machine can run, and what suites would cost here."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from superglobal_core.config import load_suite
from superglobal_core.cost.estimate import Estimate, estimate
from superglobal_core.cost.rates import Rates, measure_rates
from superglobal_core.cost.work import check_countable, work_of
from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.doctor import Finding, examine
from superglobal_core.errors import UserError

USUAL_SUITES = ("config/paper-small.yaml", "config/paper.yaml")
LEAST_MBS = 0.001


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What was found, what was measured (None: nothing), and what suites would cost."""

    findings: tuple[Finding, ...]
    rates: Rates | None
    estimates: tuple[Estimate, ...]
    free_bytes: int

    def lines(self) -> Iterator[str]:
        """Yield it for people."""
        for finding in self.findings:
            yield from finding.lines()
        if not self.estimates:
            yield "no suite was found here to say the cost of: go to the repository, or name one by --suite"
        for one in self.estimates:
            yield ""
            yield from one.lines(self.free_bytes)
        said = dict.fromkeys(text for one in self.estimates for text in one.assumptions)
        if said:
            yield "\nassumed:"
            yield from (f"  {text}" for text in said)
        elif self.estimates:
            yield "\nnothing was measured: without --no-measure the hours are said, too"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "rates": self.rates,
            "suites": [one.as_dict() for one in self.estimates],
            "free_bytes": self.free_bytes,
        }


def doctor_step(
    suites: Sequence[Path] = (),
    *,
    measure: bool = True,
    bandwidth_mbs: float = 10.0,
    root: Path = Path("data"),
    folder: Path = Path(),
    device: str = "auto",
) -> Diagnosis:
    """Look at the machine, and say what suites would cost on it.

    suites: YAML files; by default the paper's, where the working directory has them. measure: take a few seconds
    to find this machine's rates. bandwidth_mbs: megabytes a second of the network. folder: where results would go.

    Raises:
        UserError: for a suite that cannot be read or counted, or a bandwidth that is none.
    """
    if not (math.isfinite(bandwidth_mbs) and bandwidth_mbs >= LEAST_MBS):
        raise UserError(f"--bandwidth is {bandwidth_mbs:g}: give megabytes a second, {LEAST_MBS} or more")
    wanted = list(suites) or [Path(name) for name in USUAL_SUITES if Path(name).is_file()]
    loaded = [load_suite(path) for path in wanted]
    for suite in loaded:
        check_countable(suite)
    works = [work_of(suite, load_catalogue(suite.catalogues)) for suite in loaded]
    rates = None
    if measure and works:
        networks = dict.fromkeys(network for work in works for network in work.networks)
        rates = measure_rates(networks, folder, device)
    estimates = [
        estimate(suite.suite, work, rates, bandwidth_mbs * 1e6)
        for suite, work in zip(loaded, works, strict=True)
    ]
    free = shutil.disk_usage(folder).free
    return Diagnosis(tuple(examine(folder, root)), rates, tuple(estimates), free)
