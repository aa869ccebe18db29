"""Write a whole data set: images by many processes, ground truth in the real layout, a manifest."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import platform
import shutil
from collections.abc import Iterator
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from superglobal_core.code_version import fingerprint
from superglobal_core.data.landmarks.contact_sheet import contact_sheet
from superglobal_core.data.landmarks.labels import label, query_box
from superglobal_core.data.landmarks.photograph import Measurement
from superglobal_core.data.landmarks.plan import Job, Parameters, make_plan
from superglobal_core.data.landmarks.worker import Record, encode, single_threaded, work
from superglobal_core.errors import UserError
from superglobal_core.files import (
    TEMPORARY_PREFIX,
    atomic_write,
    read_json,
    sha256_of,
    write_json,
    write_text,
)
from superglobal_core.pools import spawned_pool
from superglobal_core.progress import track

DEFAULT_LANDMARKS, DEFAULT_DISTRACTORS, DEFAULT_SIZE = 30, 2000, 256
# Of the longer side: below, the shorter one is too short for the networks' smallest scale.
SMALLEST_SIZE, LARGEST_SIZE = 128, 2048
GROUND_TRUTH, MANIFEST, GEOMETRY, SHEET = (
    "gnd_landmarks.pkl",
    "MANIFEST.json",
    "geometry.json",
    "contact_sheet.jpg",
)
NOTE = "parameters.json"
FOLDERS = ("queries", "database", "distractors")
_PROGRESS = ".progress"


def make_landmarks(
    out: str | Path,
    *,
    seed: int = 0,
    size: int = DEFAULT_SIZE,
    landmarks: int = DEFAULT_LANDMARKS,
    distractors: int = DEFAULT_DISTRACTORS,
    processes: int | None = None,
    replace: bool = False,
) -> Path:
    """Render a data set of synthetic landmarks in the layout of Revisited Oxford and Paris.

    Writes `gnd_landmarks.pkl`, `queries/`, `database/` (20 images a landmark), `distractors/` (JPEG),
    `geometry.json` (what each image shows), `contact_sheet.jpg` and `MANIFEST.json`. The same arguments
    give the same bytes, however many processes work; a run that was cut short goes on where it was;
    a finished folder is left as it is.

    Args:
        out: folder to write; made if need be.
        seed: another seed gives other buildings.
        size: longer side of the images in pixels, 128 to 2048.
        landmarks: how many buildings have queries (every second one has two).
        distractors: how many images of other buildings, in their own folder.
        processes: workers; as many as this process may use cores when not given. More than one
            needs a main program that can be imported (`if __name__ == "__main__":`).
        replace: remove the landmarks that the folder holds if other arguments or other code made
            them, instead of refusing.

    Returns:
        The ground truth's path.

    Raises:
        UserError: for arguments that make no data set, or a folder that holds another one.

    Example:
        >>> make_landmarks("landmarks", landmarks=2, size=128, distractors=0)  # doctest: +SKIP
        PosixPath('landmarks/gnd_landmarks.pkl')
    """
    parameters = _checked(seed, size, landmarks, distractors)
    if processes is not None and processes < 1:
        raise UserError(f"processes is {processes}: at least one has to do the work")
    out = Path(out)
    _claim(out, parameters, replace)
    _clean(out)
    plan = make_plan(parameters)
    records = _known(out)
    pending = [job for job in plan if job.key not in records or not _complete(job, out)]
    written = [out / name for name in (GROUND_TRUTH, MANIFEST, GEOMETRY, SHEET)]
    if not pending and all(path.exists() for path in written):
        return out / GROUND_TRUTH
    for record in track(
        _run(pending, parameters, out, processes), "render landmarks", len(pending), "buildings"
    ):
        write_json(out / _PROGRESS / f"{record['job']}.json", record)
        records[record["job"]] = record
    ordered = [records[job.key] for job in plan]
    truth = _ground_truth(ordered, size)
    with atomic_write(out / GROUND_TRUTH) as stream:
        pickle.dump(truth, stream, protocol=2)
    lines = ",\n".join(json.dumps(record) for record in ordered)
    write_text(out / GEOMETRY, f"[\n{lines}\n]\n")
    with atomic_write(out / SHEET) as stream:
        stream.write(_small_jpeg(contact_sheet(out, ordered, truth)))
    _write_manifest(out, parameters)
    shutil.rmtree(out / _PROGRESS, ignore_errors=True)
    return out / GROUND_TRUTH


def _checked(seed: int, size: int, landmarks: int, distractors: int) -> Parameters:
    if seed < 0:
        raise UserError(f"seed is {seed}: use zero or more")
    if not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        raise UserError(f"size is {size}: the longer side has {SMALLEST_SIZE} to {LARGEST_SIZE} pixels")
    if landmarks < 1:
        raise UserError(f"landmarks is {landmarks}: ask for at least one")
    if distractors < 0:
        raise UserError(f"distractors is {distractors}: use zero for none")
    return Parameters(int(seed), int(size), int(landmarks), int(distractors))


def _claim(out: Path, parameters: Parameters, replace: bool) -> None:
    """Note in the folder what it is for, or check that it is for the same."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: name a folder for the data set")
    note = out / NOTE
    wanted = {**parameters.as_dict(), "code": fingerprint("superglobal_core.data.landmarks")}
    if note.exists():
        found = read_json(note)
        if not isinstance(found, dict) or set(found) != set(wanted):
            raise UserError(f"{note} is none of this command's: choose another folder")
        other = [
            f"{key} {found.get(key)} instead of {value}"
            for key, value in wanted.items()
            if found.get(key) != value
        ]
        if not other:
            return
        if not replace:
            raise UserError(
                f"{out} holds landmarks made with {', '.join(other)}: "
                "choose another folder, or draw them anew with --replace"
            )
        _remove(out)
    elif any((out / name).exists() for name in ("queries", "database", GROUND_TRUTH)):
        raise UserError(f"{out} holds images or a ground truth of unknown origin: choose another folder")
    write_json(note, wanted)


def _remove(out: Path) -> None:
    """Remove a data set, and nothing else that somebody keeps in its folder."""
    for name in (*FOLDERS, _PROGRESS):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in (GROUND_TRUTH, MANIFEST, GEOMETRY, SHEET, NOTE):
        (out / name).unlink(missing_ok=True)


def _clean(out: Path) -> None:
    """Remove what a killed process left half written."""
    for folder in (out, *(out / name for name in (*FOLDERS, _PROGRESS))):
        for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
            path.unlink(missing_ok=True)


def _known(out: Path) -> dict[str, Record]:
    records: dict[str, Record] = {}
    if (out / GEOMETRY).exists():
        records = {record["job"]: record for record in read_json(out / GEOMETRY)}
    for path in sorted((out / _PROGRESS).glob("*_*.json")):
        record = read_json(path)
        records[record["job"]] = record
    return records


def _complete(job: Job, out: Path) -> bool:
    return all((out / shot.folder / f"{shot.name}.jpg").exists() for shot in job.shots)


def _run(jobs: list[Job], parameters: Parameters, out: Path, processes: int | None) -> Iterator[Record]:
    """Do the jobs, by several processes where that pays, and yield records as they come."""
    processes = min(processes or len(os.sched_getaffinity(0)), len(jobs))
    if processes <= 1:
        yield from (work(job, parameters, out) for job in jobs)
        return
    pool = spawned_pool(processes, single_threaded)
    try:
        futures = [pool.submit(work, job, parameters, out) for job in jobs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "a rendering process ended unexpectedly (out of memory, or the main program cannot be imported): "
            "run again to go on, with processes=1 if it happens again"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _seen(image: Record) -> Measurement:
    box, direction = image["box"], image["direction"]
    return Measurement(
        image["visible"], image["extent"], (box[0], box[1], box[2], box[3]), (direction[0], direction[1])
    )


def _ground_truth(records: list[Record], size: int) -> dict[str, Any]:
    images = [image for record in records for image in record["images"]]
    imlist = sorted(image["name"] for image in images if image["folder"] == "database")
    position = {name: index for index, name in enumerate(imlist)}
    entries: dict[str, dict[str, Any]] = {}
    for record in records:
        mine = [image for image in record["images"] if image["folder"] == "database"]
        for query in (image for image in record["images"] if image["folder"] == "queries"):
            asked = _seen(query)
            entry: dict[str, Any] = {
                # Large enough for the network's smallest scale, even when the landmark is narrow.
                "bbx": query_box(asked, query["width"], query["height"], max(96.0, 0.56 * size)),
                "easy": [],
                "hard": [],
                "junk": [],
            }
            for image in mine:
                entry[label(_seen(image), asked.direction)].append(position[image["name"]])
            entries[query["name"]] = {k: sorted(v) if k != "bbx" else v for k, v in entry.items()}
    qimlist = sorted(entries)
    gnd = [entries[name] for name in qimlist]
    return {"imlist": imlist, "qimlist": qimlist, "gnd": gnd}


def _small_jpeg(picture: np.ndarray, limit: int = 390_000) -> bytes:
    for quality in (90, 84, 78, 70, 60, 50):
        data = encode(picture, quality)
        if len(data) <= limit:
            break
    return data


def _write_manifest(out: Path, parameters: Parameters) -> None:
    folders = {}
    for name in FOLDERS:
        paths = sorted((out / name).glob("*.jpg"))
        digest = hashlib.sha256()
        for path in paths:
            digest.update(f"{path.name} {sha256_of(path)}\n".encode())
        size = sum(path.stat().st_size for path in paths)
        folders[name] = {"images": len(paths), "bytes": size, "sha256": digest.hexdigest()}
    files = {name: sha256_of(out / name) for name in (GROUND_TRUTH, GEOMETRY, SHEET)}
    manifest = {
        "what": "synthetic landmarks, rendered; no photograph of any real place",
        "parameters": parameters.as_dict(),
        "folders": folders,
        "folder_sha256": "SHA-256 of the lines '<file name> <SHA-256 of the file>' in name order",
        "files": files,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__},
    }
    write_json(out / MANIFEST, manifest)
