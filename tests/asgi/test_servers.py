"""Real servers on 127.0.0.1: what a client sees of a limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import http_sf
import pytest

from ..fleet import engine
from .server import SERVERS, connect, handshake, request, serving

pytestmark = pytest.mark.real_time


@pytest.fixture(scope="module", params=SERVERS)
def port(request):
    """A server of each kind, which admits two requests an hour for each client."""
    (port,) = engine.free_ports(1)
    with serving(SERVERS[request.param], port, LIMIT="2", TRUSTED="127.0.0.1"):
        yield port


CLIENTS = (f"192.0.2.{n}" for n in range(255))


def test_a_client_sees_the_limit(port):
    """A client is told what is left, and then to come back."""
    me = next(CLIENTS)
    answers = [request(port, x_forwarded_for=me) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    left = [
        http_sf.parse(a.headers["ratelimit"].encode(), tltype="list") for a in answers
    ]
    assert left[:2] == [[("default", {"r": 1})], [("default", {"r": 0})]]
    assert int(answers[2].headers["retry-after"]) in {1800, 1801}
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert b"quota-exceeded" in answers[2].text


def test_head_has_no_body(port):
    """A refused HEAD has the head of a refused GET, and no body."""
    me = next(CLIENTS)
    first, _, refused = (request(port, "HEAD", x_forwarded_for=me) for _ in range(3))

    assert (first.status, refused.status, refused.text) == (200, 429, b"")
    assert "retry-after" in refused.headers


def test_a_websocket_handshake_is_refused_with_429(port):
    """A handshake is one request, and one too many gets a 429 of its own."""
    first, second = handshake(port), handshake(port)
    refused = handshake(port)

    assert (first.status, second.status, refused.status) == (101, 101, 429)
    assert int(refused.headers["retry-after"]) in range(1700, 1802)


def test_a_slow_body_does_not_delay_the_decision(port):
    """Whoever sends a body slowly is refused before it has come."""
    me = next(CLIENTS)
    for _ in range(2):
        request(port, x_forwarded_for=me)
    with connect(port) as line:
        head = f"POST / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {me}\r\n"
        line.sendall(f"{head}content-length: 1000000\r\n\r\nx".encode())
        line.settimeout(10)

        assert line.recv(100).startswith(b"HTTP/1.1 429")


def test_a_unix_socket_is_limited():
    """On a unix socket all are one client; with a trusted proxy each is its own."""
    command = "uvicorn served:app --uds {path} --log-level warning"
    with engine.short_directory() as directory:
        path = directory / "s"
        with serving(command, path, LIMIT="2"):
            alone = [request(path, x_forwarded_for=f"192.0.2.{n}") for n in range(3)]
        with serving(command, path, LIMIT="2", TRUSTED="unix"):
            known = [request(path, x_forwarded_for=f"192.0.2.{n}") for n in range(3)]

    assert [answer.status for answer in alone] == [200, 200, 429]
    assert [answer.status for answer in known] == [200, 200, 200]


@pytest.fixture(scope="module")
def valkey():
    """A server that keeps limits for several processes."""
    with engine.running(engine.FINDERS["valkey"]()) as server:
        yield server


def crowd(*ports, count=60):
    """How many of so many clients at once are admitted."""

    def status(n):
        return request(ports[n % len(ports)]).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(status, range(count)))
    assert set(statuses) <= {200, 429}
    return statuses.count(200)


def test_workers_share_a_limit_through_redis(valkey):
    """Two workers of one server admit together what one would."""
    (port,) = engine.free_ports(1)
    command = f"{SERVERS['uvicorn']} --workers 2"
    with serving(command, port, LIMIT=f"redis:{valkey.socket}"):
        assert crowd(port) == 20


def test_a_worker_needs_few_connections_for_many_clients(valkey):
    """However many clients come at once, a worker uses four connections."""
    (port,) = engine.free_ports(1)
    command = f"{SERVERS['uvicorn']} --workers 4"
    limit = {"LIMIT": f"redis:{valkey.socket}", "TRUSTED": "127.0.0.1"}

    def status(n):
        return request(port, x_forwarded_for=f"10.0.{n // 250}.{n % 250}").status

    with (
        engine.admin(valkey) as client,
        serving(command, port, **limit),
        ThreadPoolExecutor(40) as pool,
    ):
        before = len(client.client_list())
        statuses = set(pool.map(status, range(1000)))
        made = len(client.client_list()) - before

    assert statuses == {200}
    assert 0 < made <= 4 * 4


def test_processes_share_a_limit_through_a_file(tmp_path):
    """Two servers of one host admit together what one would."""
    ports, limit = engine.free_ports(2), f"file:{tmp_path / 'limit'}"
    with (
        serving(SERVERS["uvicorn"], ports[0], LIMIT=limit),
        serving(SERVERS["uvicorn"], ports[1], LIMIT=limit),
    ):
        assert crowd(*ports) == 20


def test_an_outage_of_the_store_is_503(valkey):
    """While the store is away clients get a 503 soon, and afterwards what is due."""
    (port,) = engine.free_ports(1)
    with serving(SERVERS["uvicorn"], port, LIMIT=f"redis:{valkey.socket}.away"):
        answers = [request(port) for _ in range(2)]

    assert [answer.status for answer in answers] == [503, 503]
    assert answers[0].headers["retry-after"] == "1"
