"""A real nginx in front of a server, in a directory of its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from ..fleet import engine
from .server import PATIENCE, answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")

needs_nginx = pytest.mark.skipif(NGINX is None, reason="NOT RUN: install nginx")

# What docs/servers.md says, and for websockets what nginx's own documentation does.
CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/pid;
error_log stderr;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  scgi_temp_path {directory}/scgi;
  uwsgi_temp_path {directory}/uwsgi;
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 10m;
    location / {{
      proxy_pass http://{behind};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header Forwarded "$http_forwarded, for=$remote_addr";
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
    }}
  }}
}}
"""


@contextlib.contextmanager
def proxying(place: int | Path) -> Iterator[int]:
    """Yield the port of an nginx in front of a port or a socket's path."""
    assert NGINX is not None, "needs_nginx marks what needs it"
    (port,) = engine.free_ports(1)
    behind = f"127.0.0.1:{place}" if isinstance(place, int) else f"unix:{place}"
    with engine.short_directory() as directory:
        config = directory / "config"
        config.write_text(
            CONFIGURATION.format(directory=directory, port=port, behind=behind)
        )
        command = [NGINX, "-c", str(config), "-p", str(directory)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(port):
                assert process.poll() is None, "nginx has ended"
                assert time.monotonic() < deadline, "nginx does not answer"
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE)
