"""
The house has floors: edges -> shell -> core, and nothing looks upwards.

Imports are read from the source, so an import inside a function or for type
checkers only counts like any other.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parents[1] / "src"
FILES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))
PACKAGE = "aiolimiter"

# All that arithmetic needs.  No asyncio, no clock, no input or output.
CORE_MAY_IMPORT = {
    "__future__",
    "abc",
    "bisect",
    "calendar.timegm",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "heapq",
    "itertools",
    "math",
    "operator",
    "re",
    "sys.float_info",
    "sys.platform",
    "types",
    "typing",
}

# Every type checker has it, and nothing here has it at run time.
FOR_TYPE_CHECKERS = {"typing_extensions"}


def room(module: str) -> str:
    """The part of the house a module of ours is in, such as `_core` or `redis`."""
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else "face"
    return "_cli" if name == "__main__" else name


def module_of(path: Path) -> str:
    """The dotted name of a source file."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, source: str | None = None) -> Iterator[str]:
    """Every name a source file imports, dotted and in full."""
    text = (SOURCE / path).read_text("utf-8") if source is None else source
    package = path.parent.parts
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package[: len(package) - node.level + 1] if node.level else ()
            base = [*up, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def is_ours(name: str) -> bool:
    """Whether a name is in this package."""
    return name.partition(".")[0] == PACKAGE


MODULES = {module_of(path): path for path in FILES}


def faults(path: Path, source: str | None = None) -> list[str]:
    """What a file imports and may not."""
    here = room(module_of(path))
    names = list(imports(path, source))
    ours = [name for name in names if is_ours(name)]
    outside = [name for name in names if not is_ours(name)]
    known = sys.stdlib_module_names | FOR_TYPE_CHECKERS
    third = {name.split(".")[0] for name in outside} - known
    if here == "_core":
        wrong = [name for name in ours if room(name) != "_core"]
        return wrong + [name for name in outside if not core_may_import(name)]
    if here in {"_shell", "face"}:
        return sorted(third) + [
            name for name in ours if room(name) not in {"_core", "_shell"}
        ]
    # The command line shows the other edges, so it alone may import them; but what
    # stands in a head is told by one module, to all that speak HTTP; what comes in
    # is stopped by one, for all that stand on ASGI; and clients have a room in common.
    allowed = {"_core", "_shell", "_http", "face", "headers", "asgi", here}
    wrong = [n for n in ours if here != "_cli" and room_or_face(n) not in allowed]
    return wrong + (sorted(third) if len(third) > 1 else [])


def core_may_import(name: str) -> bool:
    """Whether a name from outside the package is arithmetic."""
    parts = name.split(".")
    return any(".".join(parts[:n]) in CORE_MAY_IMPORT for n in (1, 2))


def room_or_face(name: str) -> str:
    """Like `room`, where `from aiolimiter import AsyncLimiter` is the face."""
    inside = SOURCE / Path(*name.split(".")[:2])
    is_module = inside.is_dir() or inside.with_suffix(".py").is_file()
    return room(name) if is_module else "face"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nothing_looks_upwards(path):
    """A file imports its own floor, the floors below and at most one dependency."""
    assert faults(path) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("_core/x.py", "import asyncio"),
        ("_core/x.py", "from time import monotonic"),
        ("_core/x.py", "from sys import stdout"),
        ("_core/x.py", "from .._shell import line"),
        ("_core/x.py", "from aiolimiter import AsyncLimiter"),
        ("_shell/x.py", "import redis"),
        ("_shell/x.py", "def f():\n    from ..redis import RedisLimiter"),
        ("__init__.py", "from .redis import RedisLimiter"),
        ("redis/x.py", "import redis, httpx"),
        ("redis/x.py", "from ..local import FileLimiter"),
        ("httpx.py", "import aiolimiter.redis"),
        ("_http/x.py", "from ..httpx import RateLimitTransport"),
        ("_cli/x.py", "import redis, rich"),
    ],
)
def test_a_look_upwards_is_seen(path, source):
    """Each way to break the rule is found, also in a function."""
    assert faults(Path(PACKAGE) / path, source) != []


class AtRunTime(ast.NodeTransformer):
    """Leaves out what only type checkers read."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        """Leave out ``if TYPE_CHECKING``."""
        told = ast.unparse(node.test).endswith("TYPE_CHECKING")
        return None if told else self.generic_visit(node)


def module_in(name: str) -> str:
    """The module that an imported name is, or is in."""
    while name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def test_nothing_comes_back_to_where_it_was_imported():
    """Files import each other in one direction, but for types."""
    graph = {
        module: {module_in(name) for name in imports(path, source) if is_ours(name)}
        for module, path in MODULES.items()
        for tree in [AtRunTime().visit(ast.parse((SOURCE / path).read_text("utf-8")))]
        for source in [ast.unparse(tree)]
    }

    TopologicalSorter(graph).prepare()  # raises what goes in a circle


def test_importing_the_package_imports_no_edge_and_no_third_party():
    """`import aiolimiter` loads the core, the shell and the standard library."""
    code = f"import sys, {PACKAGE}; print(*sys.modules, sep='\\n')"
    # -S: what site-packages start by themselves (coverage, say) is not ours.
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(
        command,
        check=True,
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    loaded = done.stdout.split()
    outside = {name.split(".")[0] for name in loaded} - {PACKAGE, "__main__"}

    assert outside <= sys.stdlib_module_names
    assert {room(n) for n in loaded if is_ours(n)} == {"face", "_core", "_shell"}


@pytest.mark.parametrize("edge", ["aiohttp", "headers", "httpx", "httpx2"])
def test_an_edge_needs_its_own_library_only(edge):
    """Each edge of HTTP can be imported where the other libraries are not there."""
    others = {"aiohttp", "fastapi", "httpx", "httpx2", "redis"} - {edge}
    code = (
        f"import sys; sys.modules |= dict.fromkeys({others})\nimport aiolimiter.{edge}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )

    assert done.stderr == ""
