"""From a suite's work and a machine's rates to hours and gigabytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from superglobal_core.cost.rates import Rates
from superglobal_core.cost.work import Work
from superglobal_core.progress import bytes_text, time_text


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a suite would cost here: seconds by kind of work, one job after the other, and bytes of the disk.

    seconds is empty where nothing was measured.
    """

    suite: str
    seconds: dict[str, float]
    download_bytes: int
    missing_bytes: int
    kept_bytes: int
    peak_bytes: int
    images: int
    assumptions: tuple[str, ...]
    not_counted: tuple[str, ...]

    @property
    def total_s(self) -> float:
        """All of it, one job after the other."""
        return sum(self.seconds.values())

    def lines(self, free_bytes: int | None = None) -> Iterator[str]:
        """Yield it for people. free_bytes: of the disk, to say whether it suffices."""
        yield f"suite {self.suite}: {self.images:,} images described (all passes together)"
        if self.seconds:
            parts = [f"{what} {time_text(each)}" for what, each in self.seconds.items() if each >= 1]
            yield f"  time      {time_text(self.total_s)}: {', '.join(parts)}"
        here = self.download_bytes - self.missing_bytes
        there = f" ({bytes_text(here)} of it are here)" if here else ""
        yield f"  download  {bytes_text(self.download_bytes)}{there}"
        enough = ""
        if free_bytes is not None and free_bytes < self.peak_bytes:
            enough = f"; only {bytes_text(free_bytes)} are free: free some, or go to a larger disk"
        yield f"  disk      {bytes_text(self.peak_bytes)} at most, {bytes_text(self.kept_bytes)} kept{enough}"
        for what in self.not_counted:
            yield f"  not counted: {what}"

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON, the sum of the seconds too."""
        return dataclasses.asdict(self) | {"total_s": self.total_s if self.seconds else None}


def estimate(suite: str, work: Work, rates: Rates | None, bandwidth_bytes_s: float) -> Estimate:
    """Say what a suite's work costs at a machine's rates; without rates bytes alone.

    bandwidth_bytes_s: of the network, assumed.
    """
    kept = work.image_bytes + work.descriptor_bytes
    return Estimate(
        suite=suite,
        seconds={} if rates is None else _seconds(work, rates, bandwidth_bytes_s),
        download_bytes=work.download_bytes,
        missing_bytes=work.missing_bytes,
        kept_bytes=kept,
        peak_bytes=kept + work.passing_bytes,
        images=sum(one.images for one in work.passes),
        assumptions=() if rates is None else tuple(assumptions(rates, bandwidth_bytes_s)),
        not_counted=work.not_counted,
    )


def _seconds(work: Work, rates: Rates, bandwidth: float) -> dict[str, float]:
    described = sum(
        # Images are decoded beside the network: the slower of the two counts.
        max(one.megapixels * rates.of(one.network).s_per_megapixel, one.images / rates.decoded_per_s)
        for one in work.passes
    )
    searched = sum(
        one.queries * one.rows * one.dimension / rates.products_per_s
        + 4 * one.rows * one.dimension / rates.read_bytes_s
        for one in work.searches
    )
    # An archive is written, read, and written again as images, which are read.
    disk = work.archive_bytes * (2 / rates.write_bytes_s + 2 / rates.read_bytes_s)
    return {
        "download": work.missing_bytes / bandwidth,
        "unpacking": disk,
        "describing": described,
        "searching": searched,
        "reranking": work.reranked * rates.rerank_s,
        "timing": work.timing_s,
    }


def assumptions(rates: Rates, bandwidth_bytes_s: float) -> Iterator[str]:
    """Yield what an estimate rests on."""
    where = "the GPU" if rates.device == "cuda" else "the CPU (no GPU was used)"
    yield f"one job after the other; describing, searching and reranking on {where}"
    if rates.busy is not None:
        yield f"{rates.busy.replace('timing: its figures are', 'measurement: the hours are')}"
    for rate in rates.networks:
        yield (
            f"{rate.network.backbone} in {rate.network.precision}: {rate.s_per_megapixel:.3g} s a megapixel of its "
            f"input, measured with random weights at {rate.measured}; larger images scaled by their pixels"
        )
    yield "a photograph is 1024x768; queries count whole, all presets as SuperGlobal's"
    yield f"decoding: {rates.decoded_per_s:.0f} photographs a second, beside the network"
    yield (
        f"search: {rates.products_per_s / 1e9:.3g} billion products a second; reranking: "
        f"{1000 * rates.rerank_s:.3g} ms a query at M = 400"
    )
    yield (
        f"disk: {bytes_text(rates.write_bytes_s)}/s written, {bytes_text(rates.read_bytes_s)}/s read "
        f"(from {rates.read_from})"
    )
    yield f"network: {bytes_text(bandwidth_bytes_s)}/s, not measured (--bandwidth)"
