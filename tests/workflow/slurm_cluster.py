"""A throw-away SLURM on loopback: one controller and two nodes on this host, everything below one folder.

Nothing of it lies in /etc and no service manager is asked: munged, slurmctld and the slurmds run in the foreground
as children, with a key, a socket, ports and a configuration of their own. It takes root, because slurmd does.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo")
NODES = ("n1", "n2")
# Each node says that it has as many; the processes of both share the cores of this host.
CPUS = 2
MEMORY_MB = 64_000
# What is told of a job, and squeue's names and width for it.
FIELDS = {
    "id": "JobID",
    "state": "State",
    "node": "NodeList",
    "memory": "MinMemory",
    "shared": "OverSubscribe",
    "gpus": "tres-per-job",
    "comment": "Comment",
}
WIDTH = 100
# In the environment of a slurmd and of the slurmstepds that it starts; jobs have SLURM's own variables.
MARK = "THROW_AWAY_SLURM_NODE"


def missing() -> str | None:
    """Say why no cluster can be started here, or None where one can."""
    absent = [program for program in PROGRAMS if shutil.which(program, path=search_path()) is None]
    if absent:
        return f"SLURM is not installed (no {', '.join(absent)}): apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "only root can start slurmd"
    return None


def search_path() -> str:
    """The PATH with the folders of daemons, which a user's own may lack."""
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_for(what: str, happened: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so; an error names what did not come."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.1)


class Slurm:
    """A running cluster.

    Examples:
        with cluster(folder) as slurm:
            slurm.ask("sinfo")
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {**os.environ, "SLURM_CONF": str(self.conf), "PATH": search_path()}

    def start(self) -> None:
        """Start the daemons and wait until both nodes take jobs."""
        self._configure()
        sock, key = self.folder / "munge/socket", self.folder / "munge/key"
        places = [f"--{name}-file={self.folder}/munge/{name}" for name in ("pid", "log", "seed")]
        self._spawn(
            "munged", "munged", "--foreground", "--force", f"--socket={sock}", f"--key-file={key}", *places
        )
        wait_for("munge's socket", sock.exists)
        self._spawn("slurmctld", "slurmctld", "-D", "-f", str(self.conf))
        for node in NODES:
            self._spawn(node, "slurmd", "-D", "-N", node, "-f", str(self.conf))
        wait_for(
            "two idle nodes",
            lambda: self.ask("sinfo", "-h", "-N", "-o", "%T", check=False).count("idle") == 2,
        )
        # The step of a job in the plugin drops SLURM_CONF before it calls srun: this one puts it back.
        wrapper, srun = self.folder / "bin/srun", shutil.which("srun", path=search_path())
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={self.conf} exec {srun} "$@"\n')
        wrapper.chmod(0o755)
        self.environment["PATH"] = f"{wrapper.parent}:{self.environment['PATH']}"

    def _configure(self) -> None:
        for name in ("munge", "state", "spool", "log", "bin"):
            (self.folder / name).mkdir()
        key = self.folder / "munge/key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        # A GPU in name alone: it is what jobs are given and wait for, and nothing computes on it.
        gpus = [f"NodeName={node} Name=gpu File=/dev/null\n" for node in NODES]
        (self.folder / "gres.conf").write_text("".join(gpus))
        controller, *of_nodes = free_ports(1 + len(NODES))
        host = socket.gethostname().partition(".")[0]
        settings = {
            "ClusterName": "throwaway",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": controller,
            "SlurmUser": "root",
            "SlurmdUser": "root",
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={self.folder}/munge/socket",
            "CredType": "cred/munge",
            "StateSaveLocation": self.folder / "state",
            "SlurmdSpoolDir": self.folder / "spool/%n",
            "SlurmctldPidFile": self.folder / "slurmctld.pid",
            "SlurmdPidFile": self.folder / "%n.pid",
            "SlurmctldLogFile": self.folder / "log/slurmctld.log",
            "SlurmdLogFile": self.folder / "log/%n.log",
            # Without cgroups, which a container has no right to.
            "ProctrackType": "proctrack/pgid",
            "TaskPlugin": "task/none",
            # A job that takes more memory than it asked for is killed, a second later at most.
            "JobAcctGatherType": "jobacct_gather/linux",
            "JobAcctGatherFrequency": "task=1",
            "JobAcctGatherParams": "OverMemoryKill",
            "AccountingStorageType": "accounting_storage/none",
            # What became of every job, one a line.
            "JobCompType": "jobcomp/filetxt",
            "JobCompLoc": self.folder / "log/jobs.log",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core_Memory",
            "SlurmdParameters": "config_overrides",
            "GresTypes": "gpu",
            "MpiDefault": "none",
            "ReturnToService": 2,
            "MinJobAge": 36_000,
            "KillWait": 2,
            "SchedulerParameters": "sched_min_interval=100000,sched_interval=1,bf_interval=1",
            "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
        }
        lines = [f"{name}={value}" for name, value in settings.items()]
        lines += [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS}"
            f" RealMemory={MEMORY_MB} Gres=gpu:1 State=UNKNOWN"
            for node, port in zip(NODES, of_nodes, strict=True)
        ]
        lines.append(f"PartitionName=main Nodes={','.join(NODES)} Default=YES MaxTime=1-0 State=UP")
        self.conf.write_text("\n".join(lines) + "\n")

    def _spawn(self, name: str, *arguments: str) -> None:
        log = (self.folder / f"log/{name}.out").open("wb")
        with log:
            self.daemons[name] = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self.environment, MARK: f"{self.folder}/{name}"},
                start_new_session=True,
            )

    def ask(self, *arguments: str, check: bool = True) -> str:
        """Return what a command of SLURM prints."""
        done = subprocess.run(
            arguments, env=self.environment, capture_output=True, text=True, timeout=30, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(arguments)}: {done.stderr}\n{self.said()}")
        return done.stdout

    def jobs(self, state: str = "all") -> list[dict[str, str]]:
        """Return the jobs that the controller remembers, by the names in FIELDS."""
        wanted = ",".join(f"{field}:{WIDTH}" for field in FIELDS.values())
        out = self.ask("squeue", "-h", "-a", f"--states={state}", "-O", wanted)
        values = [
            [line[start : start + WIDTH].strip() for start in range(0, WIDTH * len(FIELDS), WIDTH)]
            for line in out.splitlines()
        ]
        return [dict(zip(FIELDS, value, strict=True)) for value in values]

    def processes(self, node: str | None = None) -> Iterator[int]:
        """Yield the processes that a node started, steps and what runs in them; those of all nodes without one."""
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            try:
                pairs = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            found = dict(pair.partition("=")[::2] for pair in pairs)
            mark = found.get(MARK, "")
            if mark.startswith(f"{self.folder}/"):
                place = mark.rpartition("/")[2]
            elif found.get("SLURM_CONF") == str(self.conf):
                place = found.get("SLURMD_NODENAME", "")
            else:
                continue
            if place in NODES and node in (None, place):
                yield int(folder.name)

    def lose(self, node: str) -> None:
        """Take a node away as a power cut does: its daemon, its steps and their processes at once."""
        # Stopped before they are ended: none is left to tell the controller of another's end.
        for end in (signal.SIGSTOP, signal.SIGKILL):
            send(end, [self.daemons[node].pid, *self.processes(node)])
        self.daemons.pop(node).wait()
        self.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")

    def stop(self) -> None:
        """End every process of the cluster; what is left of jobs, too."""
        for name in [*NODES, "slurmctld", "munged"]:
            if (daemon := self.daemons.pop(name, None)) is None:
                continue
            if name in NODES:
                daemon.kill()
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        send(signal.SIGKILL, list(self.processes()))

    def said(self) -> str:
        """Return the ends of the daemons' logs."""
        logs = sorted((self.folder / "log").glob("*"))
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in logs)


def send(name: signal.Signals, processes: Sequence[int]) -> None:
    """Send a signal to processes, of which some may have ended."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, name)


@contextmanager
def cluster(folder: Path) -> Iterator[Slurm]:
    """A cluster in a folder that is there and empty, until the block ends."""
    slurm = Slurm(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
