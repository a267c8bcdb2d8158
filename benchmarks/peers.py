"""Where the peers live: a directory each, for each interpreter.

The old aiolimiter has our import name, so no two contenders share a
``sys.path``; a peer is put there with ``pip install --target`` once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
SOURCE = ROOT / "src"

#: Distribution -> the release the numbers in the documentation speak of.
PINS = {
    "aiolimiter": "1.3.0",
    "asynciolimiter": "1.2.0",
    "throttled-py": "3.5.0",
    "pyrate-limiter": "4.5.1",
    "limits": "5.8.0",
    "steindamm": "0.11.1",
    "asgi-ratelimit": "0.10.0",
    "fastapi-limiter": "0.2.0",
    "slowapi": "0.1.10",
    "botocore": "1.44.8",
    "httpx-limiter": "0.6.0",
    "pyperf": "2.10.0",
}


class PeerMissingError(Exception):
    """A peer could not be installed for this interpreter."""


@cache
def tag(python: str) -> str:
    """Name what compiled extensions depend on, such as ``cpython-311``."""
    code = "import sys; print(sys.implementation.cache_tag)"
    return subprocess.check_output([python, "-c", code], text=True).strip()


@cache
def version(python: str) -> str:
    """Name the interpreter as a person would, such as ``CPython 3.11.7``."""
    code = "import platform as p; print(p.python_implementation(), p.python_version())"
    return subprocess.check_output([python, "-c", code], text=True).strip()


@cache
def directory(package: str, python: str) -> Path:
    """Return the directory that holds `package`, filling it at first use.

    Raises:
        PeerMissingError: pip could not install it.
    """
    pin = PINS[package]
    home = HERE / ".peers" / tag(python) / f"{package}-{pin}"
    if home.is_dir():
        return home
    # Renamed only when whole: a broken download must not pass for a peer.
    partial = home.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    wanted = [f"{package}=={pin}", "--target", str(partial), "--quiet"]
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        msg = f"{package}=={pin} is missing: {done.stderr.strip().splitlines()[-1:]}"
        raise PeerMissingError(msg)
    partial.rename(home)
    return home


def search_path(package: str | None, python: str) -> list[str]:
    """List what must be importable for a contender that lives in `package`."""
    if package is None:
        return []
    return [str(SOURCE if package == "src" else directory(package, python))]


def environment(package: str | None, python: str) -> dict[str, str]:
    """Return the environment of a worker for a contender in `package`."""
    paths = [*search_path(package, python), str(ROOT)]
    if package != "pyperf":
        paths.append(str(directory("pyperf", python)))
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return {**env, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}
