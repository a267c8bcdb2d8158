"""What the documentation shows, asked with curl."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ..fleet import engine
from .proxy import needs_nginx, proxying
from .server import serving

ROOT = Path(__file__).parents[2]
CURL = shutil.which("curl")
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(CURL is None, reason="NOT RUN: install curl"),
]


def curl(*arguments: str) -> list[str]:
    """The heads of the answers."""
    command = [CURL, "--silent", "--max-time", "30", "--dump-header", "-"]
    done = subprocess.run(
        [*command, "--output", "/dev/null", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.lower().strip().split("\n\n")


def statuses(heads: list[str]) -> list[int]:
    return [int(head.split()[1]) for head in heads]


ONE_LINE = [("README.md", 100, 404), ("docs/servers.md", 3, 200)]


@pytest.mark.parametrize(("page", "quota", "served"), ONE_LINE)
@pytest.mark.parametrize("server", ["uvicorn", "hypercorn"])
def test_the_one_line_of_the_documentation_protects_a_program(
    tmp_path, server, page, quota, served
):
    """A program with that line, of FastAPI or Starlette, does what the page says."""
    block = next(
        one
        for one in BLOCK.findall((ROOT / page).read_text("utf-8"))
        if "add_middleware(RateLimitMiddleware, limit=" in one
    )
    (tmp_path / "program.py").write_text(block)
    (port,) = engine.free_ports(1)
    command = {
        "uvicorn": f"uvicorn program:app --app-dir {tmp_path} --port {{port}}",
        "hypercorn": f"hypercorn {tmp_path}/program:app --bind 127.0.0.1:{{port}}",
    }[server]
    with serving(command, port):
        heads = curl(f"http://127.0.0.1:{port}/?[1-150]")

    # The README's program has no routes, and what no route knows counts as well.
    assert statuses(heads)[:quota] == [served] * quota
    assert statuses(heads)[-1] == 429
    assert f'ratelimit-policy: "default";q={quota};w=60\n' in heads[0]
    assert f'ratelimit: "default";r={quota - 1}' in heads[0]
    assert 'ratelimit: "default";r=0;t=' in heads[-1]
    assert "\nretry-after: " in heads[-1]


@needs_nginx
def test_the_fleet_of_the_documentation_behind_nginx(tmp_path):
    """Workers admit together what the page says, to each client that nginx saw."""
    blocks = BLOCK.findall((ROOT / "docs/servers.md").read_text("utf-8"))
    (block,) = (one for one in blocks if "PROXIES" in one)
    # A machine that stalls for a moment is no outage here.
    (tmp_path / "program.py").write_text(block.replace("timeout=0.2", "timeout=9"))
    (port,) = engine.free_ports(1)
    command = (
        f"uvicorn program:app --app-dir {tmp_path} --workers 2 "
        "--no-proxy-headers --port {port}"
    )
    with (
        engine.running(engine.FINDERS["valkey"]()) as store,
        serving(command, port, REDIS_URL=f"unix://{store.socket}"),
        proxying(port) as proxy,
    ):
        began = time.monotonic()
        forged = ("--parallel", "--header", "X-Forwarded-For: 6.6.6.6")
        through, past = (f"http://127.0.0.1:{one}/?[1-150]" for one in (proxy, port))
        greedy = statuses(curl("--interface", "127.0.2.1", *forged, through))
        other = statuses(curl("--interface", "127.0.2.2", *forged, through))
        direct = statuses(curl("--interface", "127.0.2.3", *forged, past))
        again = statuses(curl("--interface", "127.0.2.3", *forged, through))
        health = statuses(curl("--interface", "127.0.2.1", through[:-8] + "health"))
        leaked = (time.monotonic() - began) * 100 / 60

    for served in (greedy.count(200), other.count(200), direct.count(200)):
        assert 100 <= served <= 101 + leaked
    assert again.count(200) <= 1 + leaked
    assert health == [200]


@needs_nginx
def test_the_example_behind_a_proxy_behind_nginx():
    """Behind nginx, too, a client has its own limit, in whosever name it asks."""
    (port,) = engine.free_ports(1)
    command = (
        f"uvicorn behind_a_proxy:app --app-dir {ROOT / 'examples'} "
        "--no-proxy-headers --port {port}"
    )
    with serving(command, port), proxying(port) as proxy:
        forged = ("--header", "X-Forwarded-For: 6.6.6.6")
        urls = f"http://127.0.0.1:{proxy}/?[1-50]"
        greedy = statuses(curl("--interface", "127.0.2.1", *forged, urls))
        other = statuses(curl("--interface", "127.0.2.2", *forged, urls))

    assert greedy[:5] == other[:5] == [200] * 5
    assert 429 in greedy
