"""The words of what was timed: cells of tables, and the sentences above them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import StoredRecord
from superglobal_core.reporting.speed import Disk, Rival, SpeedGroup, SpeedRow
from superglobal_core.reporting.speed_accuracy import protocol_changes
from superglobal_core.timing.record import Scope
from superglobal_core.timing.statistics import LEVEL, Interval, percent

SCOPES: dict[Scope, str] = {
    "scoring": "Everything is in memory already, and the clock encloses no more than comparing a query with its "
    "candidates and putting them into a new order.",
    "from storage": "What is known of the candidates, descriptors or local features, is read from the disk first.",
    "end to end": "The query's picture is read and described first, and local methods extract the features of the "
    "query and of every candidate anew; global methods read the candidates' descriptors from the disk.",
}


def interval(bounds: Interval | None, form: Callable[[float], str]) -> str:
    """Return an interval, with its level where few samples make that less than 95 %.

    >>> interval(Interval(low=0.001, high=0.002, level=0.875), texts.milliseconds)
    '1.00 to 2.00 (87.5 %)'
    """
    if bounds is None:
        return ""
    level = "" if abs(bounds.level - LEVEL) < 1e-9 else f" ({percent(bounds.level)})"
    return f"{form(bounds.low)} to {form(bounds.high)}{level}"


def median(row: SpeedRow) -> str:
    """Return the median ms a query."""
    return texts.milliseconds(row.summary.median) if row.summary else "not timed"


def median_interval(row: SpeedRow) -> str:
    """Return the interval of the median ms a query."""
    if row.summary is None:
        return ""
    return interval(row.summary.interval, texts.milliseconds) or "one sample"


def quartiles(row: SpeedRow) -> str:
    """Return the quartiles of the ms a query."""
    found = row.summary
    if found is None:
        return texts.ABSENT
    return f"{texts.milliseconds(found.lower_quartile)} to {texts.milliseconds(found.upper_quartile)}"


def pair(row: SpeedRow) -> str:
    """Return ms a pair."""
    seconds = row.seconds_a_pair
    return texts.ABSENT if seconds is None else texts.milliseconds(seconds)


def throughput(row: SpeedRow) -> str:
    """Return queries a second in a batch."""
    return texts.ABSENT if row.throughput is None else texts.significant(row.throughput.median)


def speedup(rival: Rival) -> str:
    """Return a speedup, or what stands in its place."""
    found = rival.speedup
    if rival.none or found is None:
        return rival.none
    return texts.times(found.ratio) if found.ratio >= 1 else f"{texts.times(1 / found.ratio)} slower"


def speedup_interval(rival: Rival) -> str:
    """Return a speedup's interval, of how many times slower where it is that; empty where there is none."""
    found = rival.speedup
    if rival.none or found is None or found.interval is None:
        return ""
    low, high = found.interval.low, found.interval.high
    if found.ratio < 1:
        low, high = 1 / high, 1 / low
    return interval(Interval(low=low, high=high, level=found.interval.level), texts.times)


def bytes_an_image(disk: Disk) -> str:
    """Return bytes an image on disk, descriptor and local features.

    >>> bytes_an_image(Disk(4096, 0)), bytes_an_image(Disk(4096, 65536)), bytes_an_image(Disk(None, 10))
    ('4,096', '69,632', '10 without the descriptor')
    """
    if disk.total is not None:
        return f"{disk.total:,.0f}"
    if disk.local:
        return f"{disk.local:,.0f} without the descriptor"
    return "not recorded"


def gigabytes(disk: Disk) -> str:
    """Return the GB of 1,001,001 images."""
    return "not known" if disk.million_gb is None else texts.significant(disk.million_gb)


def memory(row: SpeedRow) -> tuple[str, str]:
    """Return peak memory of host and device beyond what was in use before."""
    used = row.timing.memory
    host = texts.size(used.host_bytes) if used else texts.ABSENT
    return host, texts.size(used.device_bytes) if used else texts.ABSENT


def gain(row: SpeedRow) -> str:
    """Return the points of mAP gained under Easy, Medium and Hard, or the reason why that is not known."""
    changes = protocol_changes(row.accuracy)
    if not changes:
        return row.accuracy.reason
    return " / ".join(
        "no positives" if change is None else texts.points(change.points) for _, change in changes
    )


def remarks(row: SpeedRow) -> str:
    """Return everything that belongs beside a row's figures."""
    unable = [f"could not run: {row.timing.reason}"] if row.timing.reason else []
    return "; ".join([*unable, *row.notes])


def noise_sentences(group: SpeedGroup) -> list[tuple[str, str]]:
    """Return the clock's noise in each scope; the scope is empty where the record does not tell it."""
    return [((each.scope or "").capitalize(), each.sentence) for each in group.record.noise]


def machine_facts(group: SpeedGroup) -> list[tuple[str, str]]:
    """Return what the times depend on of the machine, as far as the record tells."""
    machine, hardware = group.record.machine, _hardware(group.timed.record)
    threads, clocks = _mapping(machine.get("threads")), _mapping(machine.get("cpu_frequency"))
    facts = [("Processor", _processor(hardware))]
    counts = [f"{threads['torch']} of torch"] if threads.get("torch") is not None else []
    counts += [f"{key}={value}" for key, value in threads.items() if key != "torch" and value is not None]
    facts.append(("Threads", ", ".join(counts)))
    speeds = [
        f"{form(clocks[key])}"
        for key, form in (
            ("current_mhz", lambda mhz: f"{mhz:,.0f} MHz"),
            ("max_mhz", lambda mhz: f"at most {mhz:,.0f} MHz"),
            ("governor", lambda name: f"governor {name}"),
        )
        if clocks.get(key) is not None
    ]
    facts.append(("Clock", ", ".join(speeds)))
    gpus = [_gpu(_mapping(gpu)) for gpu in machine.get("gpus") or []]
    facts.append(("GPU", "; ".join(gpus) or str(hardware.get("gpu") or "none")))
    devices = dict.fromkeys(row.timing.device for row in group.all_rows if row.timing.device)
    facts.append(("Timed on", ", ".join(devices)))
    return [(name, value or "not recorded") for name, value in facts]


def _hardware(record: StoredRecord | None) -> Mapping[str, Any]:
    return record.hardware if record is not None else {}


def _processor(hardware: Mapping[str, Any]) -> str:
    cores = hardware.get("cores")
    parts = [str(hardware["cpu"])] if hardware.get("cpu") else []
    return ", ".join([*parts, *([f"{cores} cores"] if cores else [])])


def _gpu(gpu: Mapping[str, Any]) -> str:
    parts = [str(gpu.get("name") or "not named")]
    for key, text in (
        ("sm_mhz", "{:,.0f} MHz"),
        ("sm_max_mhz", "at most {:,.0f} MHz"),
        ("power_limit_w", "power limit {:,.0f} W"),
    ):
        if isinstance(gpu.get(key), int | float):
            parts.append(text.format(gpu[key]))
    return ", ".join(parts)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
