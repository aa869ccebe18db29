"""The step `codes`: packed binary codes of a data set to shards, queries and database apart."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.evaluation.alignment import rows_of
from superglobal_core.features.codes import read_codes
from superglobal_core.features.shards import write_shard
from superglobal_core.files import make_folder, sha256_of
from superglobal_core.results import file_input, recorded
from superglobal_core.steps.inputs import given_files


def codes_step(codes: str | Path, groundtruth: str | Path, out: str | Path, bits: int | None = None) -> None:
    """Write the codes of the ground truth's queries to `out`/queries and of its images to `out`/database."""
    truth = load_groundtruth(groundtruth)
    names, descriptors = read_codes(codes, bits)
    codes_sha256 = sha256_of(codes)
    descriptor = {
        "codes_sha256": codes_sha256,
        "bits": descriptors.shape[1],
        "values": "plus and minus one, scaled",
    }
    splits = {"queries": truth.query_names, "database": truth.image_names}
    found = {split: rows_of(wanted, names, len(names), f"file {codes}") for split, wanted in splits.items()}
    for split, wanted in splits.items():
        folder = Path(out) / split
        make_folder(folder)
        with recorded("codes", folder) as facts:
            write_shard(
                folder / "shard-00000",
                wanted,
                descriptors[found[split]],
                {"shard": 0, "shards": 1, "descriptor": descriptor},
            )
            facts.update(
                descriptor=descriptor, parameters={"images": len(wanted)}, protocol={"query_crop": False}
            )
            facts["inputs"] = [
                file_input("codes", codes, codes_sha256),
                *given_files(ground_truth=groundtruth),
            ]
