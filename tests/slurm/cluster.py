"""A real SLURM of one node in a temporary folder, for tests. Linux, Debian's packages, root.

Nothing outside the folder is written, so that a SLURM that the machine has is left alone: daemons
and commands are told of the configuration by SLURM_CONF, and munge, which signs their messages, is
one of its own with its own key.
"""

import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

PACKAGES = ("slurm-wlm", "munge")
DAEMONS = ("slurmctld", "slurmd", "munged")
CPUS, MEMORY_MB = 4, 64000

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
# neither cgroups nor accounting: a container has no rights to the one and no database for the other
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completions.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
# more cores and memory than the machine may have: what is tested is who gets what
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
MinJobAge=600
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} Gres=gpu:{gpus}
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class Unavailable(Exception):
    """One line: why there can be no SLURM here."""


def install() -> None:
    """Debian's packages of SLURM and munge, where they are missing.

    Raises Unavailable where that cannot be (no root, no Debian), and RuntimeError where it should
    have worked.
    """
    if os.geteuid() != 0:
        raise Unavailable("starting SLURM's daemons needs root")
    if all(shutil.which(daemon, path=_path()) for daemon in DAEMONS):
        return
    if not shutil.which("apt-get"):
        raise Unavailable(f"there is no apt-get to install {' and '.join(PACKAGES)} with")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    options = ["install", "--yes", "--no-install-recommends", *PACKAGES]
    for arguments in (["update"], options):
        done = subprocess.run(["apt-get", "-qq", *arguments], env=quiet, capture_output=True)
        if done.returncode:
            said = (done.stderr.decode().strip() or "no message").splitlines()[-1]
            raise RuntimeError(f"apt-get {arguments[0]} failed: {said}")


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


class Cluster:
    """One node with so many fake GPUs, up between ``with`` and its end."""

    def __init__(self, gpus: int) -> None:
        self.gpus = gpus
        self.daemons: list[subprocess.Popen] = []

    def __enter__(self) -> "Cluster":
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.folder.chmod(0o755)
        self.environment = os.environ | {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder}/bin:{_path()}",
        }
        try:
            self._configure()
            self._start_munge()
            self._start("slurmctld", "-D", "-i")
            self._start("slurmd", "-D", "-N", self.host)
            self._wait_until_idle()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def run(self, *command: str, check: bool = True) -> str:
        """What one of SLURM's own commands prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def jobs(self) -> dict[int, dict[str, str]]:
        """All jobs that the controller knows of, as `scontrol show job --details` tells them."""
        listed = self.run("scontrol", "--oneliner", "--details", "show", "job", check=False)
        jobs = {}
        for line in listed.splitlines():
            fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
            if "JobId" in fields:
                jobs[int(fields["JobId"])] = fields
        return jobs

    def completions(self) -> list[dict[str, str]]:
        """The job completion log, one entry for every job that has ended, in that order."""
        log = self.folder / "completions.txt"
        lines = log.read_text().splitlines() if log.exists() else []
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]

    def _configure(self) -> None:
        self.host = socket.gethostname().split(".")[0]
        for name in ("state", "spool", "dev", "bin"):
            (self.folder / name).mkdir()
        # inside a job, Snakemake's plugin leaves no variable of SLURM's that says where it is
        for command in ("srun", "scontrol"):
            called = self.folder / "bin" / command
            real = shutil.which(command, path=_path())
            called.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {real} "$@"\n')
            called.chmod(0o755)
        for index in range(self.gpus):
            # SLURM counts character devices only: these are clones of /dev/null
            os.mknod(self.folder / f"dev/gpu{index}", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        (self.folder / "gres.conf").write_text(
            f"NodeName={self.host} Name=gpu File={self.folder}/dev/gpu[0-{self.gpus - 1}]\n"
        )
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=self.host,
                ports=_free_ports(2),
                folder=self.folder,
                cpus=CPUS,
                memory_mb=MEMORY_MB,
                gpus=self.gpus,
            )
        )

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {"key-file": "key", "log-file": "log", "pid-file": "pid", "seed-file": "seed"}
        options = [f"--{option}={self.folder}/munge.{end}" for option, end in files.items()]
        # forced: it would rather not run as root in a temporary folder
        self._start(
            "munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket", *options
        )
        self._wait(lambda: (self.folder / "munge.socket").exists(), "munged has no socket")

    def _start(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.out").open("w") as output:
            self.daemons.append(
                subprocess.Popen(command, env=self.environment, stdout=output, stderr=output)
            )

    def _wait_until_idle(self) -> None:
        def idle() -> bool:
            return self.run("sinfo", "--noheader", "--format=%t", check=False).strip() == "idle"

        self._wait(idle, "the node does not become idle")

    def _wait(self, condition, complaint: str) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            ended = [d.args[0] for d in self.daemons if d.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = [f.read_text()[-2000:] for f in sorted(self.folder.glob("*.[lo][ou][gt]"))]
                raise RuntimeError("\n".join([f"{complaint}; ended: {ended}", *logs]))
            time.sleep(0.1)

    def _stop(self) -> None:
        if len(self.daemons) > 1:
            self.run("scancel", "--user=root", check=False)
            self._stop_jobs()
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop_jobs(self) -> None:
        """Wait until no job is left: a job outlives its daemon."""
        deadline = time.monotonic() + 20
        while self.run("squeue", "--noheader", check=False).strip():
            if time.monotonic() > deadline:
                return
            time.sleep(0.2)
