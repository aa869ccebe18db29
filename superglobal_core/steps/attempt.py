"""The step `attempt`: a program of a method, and where it fails the reason in place of its result."""

from __future__ import annotations

import subprocess
from pathlib import Path

from superglobal_core.files import check_writable, make_folder
from superglobal_core.methods.conformance.lacking import lacking
from superglobal_core.methods.registry import read_found
from superglobal_core.reasons import CannotRunError, reason_of, write_reason

# Whoever stops the workflow stops its programs: SIGINT, SIGTERM and what shells make of them.
STOPPED = (-2, -15, 130, 143)
LONGEST_LINE = 200


def attempt_step(method: str | Path, script: str, out: str | Path, log: str | Path) -> tuple[int, str | None]:
    """Run a script of bash for a method; its output goes to the log.

    out: the file that it leaves; where it fails, or leaves none, the reason takes its place. So it does
    where the method needs what is not here.

    Returns:
        The exit code, which is not 0 only when somebody stopped the program, and the reason or None.

    Raises:
        UserError: when the method's folder is wrong, or files cannot be written.
    """
    found, out, log = read_found(method), Path(out), Path(log)
    check_writable(out)
    make_folder(out.parent)
    make_folder(log.parent)
    out.unlink(missing_ok=True)
    try:
        if (missing := lacking(found.description.needs)) is not None:
            raise CannotRunError(missing)
        with log.open("wb") as stream:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        if done.returncode in STOPPED:
            return 130, None
        if done.returncode != 0:
            raise CannotRunError(_ending(done.returncode, log))
        if not out.is_file():
            raise CannotRunError(f"its program ended well, but left no {out.name}")
    except CannotRunError as error:
        reason = reason_of(error)
        out.unlink(missing_ok=True)
        write_reason(out, reason)
        return 0, reason
    return 0, None


def _ending(code: int, log: Path) -> str:
    if code in (-9, 137):
        return "its program was killed, perhaps for want of memory"
    lines = [
        line.strip()
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.strip()
    ]
    last = f": {lines[-1][:LONGEST_LINE]}" if lines else ""
    return f"its program ended with the exit code {code}{last}"
