"""Search, labelled ranks, reranking and evaluation within a hard limit of memory, far below the database's size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from million import DIMENSION, write_database

ROWS, SPARSE_SHARDS = 300_000, 4
WRITTEN = 8000  # rows with content: all labelled images are among them
ALLOWED = 400_000_000  # bytes beyond what libraries take; the database has 1.2 GB, 2.5 GB as float32

# RLIMIT_DATA, and not RLIMIT_AS: files mapped for reading are address space, but their pages are the system's cache,
# which it takes back at will; what cannot be taken back is private writable memory, and just that is limited. A
# mapping that could be written ("c" of NumPy) would count. cgroups need rights that a test has not.
SCRIPT = """
import json, re, resource, sys
from pathlib import Path
import million
taken = int(re.search(r"VmData:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (taken + int(sys.argv[2]),) * 2)
print(json.dumps(million.ours(Path(sys.argv[1]))))
try:
    million.plain(Path(sys.argv[1]))
except MemoryError as error:
    print("out of memory")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits private memory, mapped or not")
def test_a_database_far_beyond_the_limit(tmp_path: Path) -> None:
    write_database(tmp_path, WRITTEN)
    for number in range(SPARSE_SHARDS):
        shape = ((ROWS - WRITTEN) // SPARSE_SHARDS, DIMENSION)
        with (tmp_path / f"shard-{number + 1:05d}.npy").open("wb") as file:
            header = {"descr": "<f2", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            file.truncate(file.tell() + 2 * shape[0] * shape[1])  # zeros that take no place on the disk

    roots = [Path(__file__).parents[2], Path(__file__).parents[2] / "benchmarks"]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path, str(ALLOWED)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(map(str, roots)), "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    maps, control = done.stdout.splitlines()
    assert all(0.3 < value < 0.9 for value in json.loads(maps))
    # The same limit stops the way that loads all, so it does limit.
    assert control == "out of memory"
