"""A PostgreSQL server of the tests' own, and processes that sequence a shared ledger with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from conftest import missing

HERE = Path(__file__).resolve().parent
# PostgreSQL refuses to run as root; this user owns nothing else.
USER = "nobody" if os.geteuid() == 0 else None


def program(name: str) -> str:
    """A program of PostgreSQL, also where only its own directory has it."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = str(places[0]) if places else shutil.which(name)
    if found is None:
        missing("PostgreSQL is not installed (apt-get install postgresql)")
    return str(found)


def wrong_clock(skew: str) -> dict[str, str]:
    """What gives a process a clock of its own: that of the day, not the one that waiting goes by."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        missing("libfaketime is not installed (apt-get install faketime)")
    return {"LD_PRELOAD": str(library), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Server:
    """PostgreSQL on a socket in a directory of its own."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # noqa: S108
        place = memory if memory.is_dir() else None
        self.home = Path(tempfile.mkdtemp(prefix="sealcore-pg-", dir=place))
        self.home.chmod(0o755)
        if USER is not None:
            shutil.chown(self.home, USER)
        self.dsn = f"host={self.home} dbname=postgres user=postgres"
        self._run("initdb", "-D", str(self.home / "data"), "-U", "postgres", "-A", "trust", "--no-sync")
        self.start()

    def _run(self, name: str, *arguments: str) -> None:
        environment = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(
            [program(name), *arguments],
            user=USER,
            env=environment,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    def start(self) -> None:
        options = f"-k {self.home} -c listen_addresses= -c max_connections=60"
        log = str(self.home / "log")
        self._run("pg_ctl", "-D", str(self.home / "data"), "-o", options, "-l", log, "-w", "-t", "60", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self.home / "data"), "-m", mode, "-w", "-t", "60", "stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)


class Leader:
    """A process that runs a sequencer. It says what it does on its output.

    Args:
        arguments: Directory, connection string, lease.
        stop_at: Where it stops itself (SIGSTOP), once: see ``sequencer_child.py``.
        clock: By how much its clock is wrong, such as ``+3h``.
    """

    def __init__(self, *arguments: object, stop_at: str = "", clock: str = "") -> None:
        descriptor, self._log = tempfile.mkstemp(prefix="sealcore-leader-")
        environment = {**os.environ, **(wrong_clock(clock) if clock else {})}
        command = [sys.executable, str(HERE / "sequencer_child.py"), *map(str, arguments), stop_at]
        self.process = subprocess.Popen(
            command, stdout=descriptor, stderr=descriptor, stdin=subprocess.DEVNULL, env=environment
        )
        os.close(descriptor)

    def said(self) -> str:
        return Path(self._log).read_text()

    def wait_for(self, word: str, seconds: float = 60) -> None:
        until(lambda: word in self.said() or self.process.poll() is not None, seconds, self.said)
        assert word in self.said(), self.said()

    @property
    def stopped(self) -> bool:
        """Whether the process is stopped by a signal."""
        try:
            status = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return False
        return status.rpartition(")")[2].split()[0] == "T"

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
        return self.process.wait(timeout=60)


def until(condition: Callable[[], bool], seconds: float, explain: Callable[[], str] = lambda: "") -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {explain()}"
        time.sleep(0.02)
