"""`sealcore` in one directory, each command a process of its own.

Starting Python and loading the libraries takes longer than most commands. One process per worker has loaded them, does
nothing else, and is forked for each command; the child has its own directory, environment and files, and ends as the
command line ends. That the program starts from nothing is what `test_cli.test_version` and `test_wheel` are for.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

FORKED = """
import atexit, gc, importlib, json, os, pkgutil, sys
import sealcore, sqlalchemy.dialects.sqlite
from sealcore.cli import main
for room in pkgutil.walk_packages(sealcore.__path__, "sealcore."):
    if not room.name.endswith("__main__"):
        importlib.import_module(room.name)
gc.freeze()
asked, told = os.fdopen(int(sys.argv[1])), int(sys.argv[2])
for line in asked:
    command = json.loads(line)
    child = os.fork()
    if not child:
        os.close(told)
        os.chdir(command["directory"])
        os.environ.clear()
        os.environ.update(command["env"])
        for number, (path, flags) in enumerate(zip(command["files"], (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY))):
            os.dup2(os.open(path, flags), number)
        sys.argv = ["sealcore", *command["words"]]
        try:
            main()
        except SystemExit as end:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            # Clearing away what was loaded would take longer than the command.
            os._exit(end.code)
    os.write(told, b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


class Forks:
    """The process that is forked."""

    def __init__(self) -> None:
        asked, self._asked = os.pipe()
        self._told, told = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", FORKED, str(asked), str(told)],
            stdin=subprocess.DEVNULL,
            pass_fds=(asked, told),
            process_group=0,
        )
        os.close(asked)
        os.close(told)
        self._files = tempfile.TemporaryDirectory(prefix="sealcore-shell-")
        atexit.register(self.close)

    def run(self, words: list[str], directory: Path, env: dict[str, str], timeout: float) -> tuple[int, str, str]:
        """A command's exit code, and what it said on both streams."""
        out, err = (Path(self._files.name, name) for name in ("out", "err"))
        out.write_bytes(b"")
        err.write_bytes(b"")
        files = [os.devnull, str(out), str(err)]
        command = {"words": words, "directory": str(directory), "env": env, "files": files}
        os.write(self._asked, json.dumps(command).encode() + b"\n")
        if not select.select([self._told], [], [], timeout)[0]:
            self.close()
            forks.cache_clear()
            raise TimeoutError(f"sealcore {words} takes longer than {timeout} seconds")
        code = os.read(self._told, 64)
        assert code, "the process that is forked has ended"
        return int(code), out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")

    def close(self) -> None:
        """Ends the process, and the command that it may be waiting for."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._files.cleanup()


@cache
def forks() -> Forks:
    return Forks()


class Shell:
    """Runs `sealcore` in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(
        self,
        *words: object,
        code: int | set[int] = 0,
        env: dict[str, str] | None = None,
        started: bool = False,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """A command; `started` starts the program anew."""
        given = list(map(str, words))
        env = {**os.environ, "SEALCORE_PASSWORD": "test password", "SEALCORE_OFFICE": "office", **(env or {})}
        if started:
            done = subprocess.run(
                [sys.executable, "-m", "sealcore.cli", *given],
                cwd=self.directory,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        else:
            done = subprocess.CompletedProcess(given, *forks().run(given, self.directory, env, timeout))
        assert "Traceback" not in done.stderr, done.stderr
        expected = code if isinstance(code, set) else {code}
        assert done.returncode in expected, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: object, code: int | set[int] = 0) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.run(*words, "--json", code=code).stdout)
        return said
