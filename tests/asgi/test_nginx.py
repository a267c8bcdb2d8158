"""Behind a real nginx: who is a client, and what reaches it of a refusal."""

from __future__ import annotations

import pytest

from ..fleet import engine
from .proxy import needs_nginx, proxying
from .server import SERVERS, connect, handshake, request, serving

pytestmark = [pytest.mark.real_time, needs_nginx]

# What nginx sees of a client is the address that it comes from.
CLIENTS = (f"127.0.1.{n}" for n in range(1, 255))
BEHIND = {
    "uvicorn": "uvicorn served:app --port {port} --no-proxy-headers",
    "hypercorn": SERVERS["hypercorn"],
    "granian": SERVERS["granian"],
}


@pytest.fixture(scope="module", params=BEHIND)
def ports(request):
    """The ports of an nginx and of the server behind it: two requests for each."""
    (port,) = engine.free_ports(1)
    with (
        serving(BEHIND[request.param], port, LIMIT="2", TRUSTED="127.0.0.1"),
        proxying(port) as proxy,
    ):
        yield proxy, port


def statuses(port, *sources, **headers):
    return [request(port, source=one, **headers).status for one in sources]


def test_behind_a_trusted_proxy_clients_are_told_apart(ports):
    """Each client of the proxy has a limit of its own."""
    one, other = next(CLIENTS), next(CLIENTS)

    assert statuses(ports[0], one, one, one) == [200, 200, 429]
    assert statuses(ports[0], other, other, other) == [200, 200, 429]


@pytest.mark.parametrize(
    "forged",
    [
        ["6.6.6.{n}"],
        ["127.0.0.1"],
        ["6.6.6.{n}", "127.0.0.1, 7.7.7.{n}"],
        ['"', "[::{n}]:80, ::ffff:6.6.6.{n}, fe80::{n}%eth0"],
        [", ".join(["6.6.6.{n}"] * 300)],
    ],
    ids=["one", "the proxy's", "two lines", "rubbish", "very long"],
)
def test_a_forged_forwarding_header_changes_nothing(ports, forged):
    """Whatever a client writes, it is known by the address that nginx saw."""
    me = next(CLIENTS)
    answers = []
    for n in range(1, 5):
        lines = [line.replace("{n}", str(n)) for line in forged]
        answers += statuses(ports[0], me, x_forwarded_for=lines, forwarded=lines)

    # A header that is too long to be read counts as the proxy, which is one client.
    assert answers[2:] == [429, 429]


def test_direct_access_past_the_proxy_is_the_peer(ports):
    """Who reaches the server past nginx can't pretend to have come through it."""
    me = next(CLIENTS)
    direct = [statuses(ports[1], me, x_forwarded_for=f"6.6.6.{n}") for n in range(3)]

    assert direct == [[200], [200], [429]]
    assert statuses(ports[0], me) == [429]


def test_a_refusal_arrives_through_the_proxy(ports):
    """Status, fields and problem of a refusal come through as they were sent."""
    me = next(CLIENTS)
    answers = [request(ports[0], source=me) for _ in range(3)]

    assert answers[0].headers["ratelimit"] == '"default";r=1'
    assert answers[2].headers["ratelimit-policy"] == '"default";q=2;w=3600'
    assert int(answers[2].headers["retry-after"]) in {1800, 1801}
    assert answers[2].headers["cache-control"] == "no-store"
    assert b"quota-exceeded" in answers[2].text


def test_a_websocket_handshake_is_refused_with_429(ports):
    """Through the proxy a handshake too many is a 429, too."""
    me = next(CLIENTS)
    answers = [handshake(ports[0], source=me) for _ in range(3)]

    assert [answer.status for answer in answers] == [101, 101, 429]
    assert "retry-after" in answers[2].headers


def test_a_slow_reader_delays_nobody(ports):
    """Who asks and does not read its refusals does not keep others from theirs."""
    me, other = next(CLIENTS), next(CLIENTS)
    statuses(ports[0], me, me)
    with connect(ports[0], me) as line:
        line.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 2000)

        assert statuses(ports[0], other, other, other) == [200, 200, 429]


def test_without_a_trusted_proxy_all_are_one_client():
    """Where nobody says that there is a proxy, it is the one client."""
    (port,) = engine.free_ports(1)
    with serving(BEHIND["uvicorn"], port, LIMIT="2"), proxying(port) as proxy:
        assert statuses(proxy, *(next(CLIENTS) for _ in range(3))) == [200, 200, 429]


def test_uvicorn_tells_clients_apart_by_itself():
    """Told which proxies there are, uvicorn has the client's address for its peer."""
    (port,) = engine.free_ports(1)
    command = "uvicorn served:app --port {port} --forwarded-allow-ips 127.0.0.1"
    with serving(command, port, LIMIT="2"), proxying(port) as proxy:
        one, other = next(CLIENTS), next(CLIENTS)

        assert statuses(proxy, one, one, one, other) == [200, 200, 429, 200]
        assert statuses(proxy, one, x_forwarded_for="6.6.6.6") == [429]


def test_the_other_header_is_read():
    """With `header="forwarded"` RFC 7239's is read, and X-Forwarded-For is not."""
    (port,) = engine.free_ports(1)
    settings = {"LIMIT": "2", "TRUSTED": "127.0.0.1", "HEADER": "forwarded"}
    with serving(BEHIND["uvicorn"], port, **settings), proxying(port) as proxy:
        one, other = next(CLIENTS), next(CLIENTS)
        forged = {"forwarded": 'for=6.6.6.6, for="', "x_forwarded_for": "7.7.7.7"}

        assert statuses(proxy, one, one, other) == [200, 200, 200]
        assert statuses(proxy, one, **forged) == [429]


def test_over_a_unix_socket_clients_are_told_apart():
    """A proxy may talk to the server over a socket, which is trusted then."""
    command = "uvicorn served:app --uds {path} --no-proxy-headers"
    with engine.short_directory() as directory:
        path = directory / "s"
        for trusted, third in [("unix", 200), ("", 429)]:
            settings = {"LIMIT": "2", "TRUSTED": trusted}
            with serving(command, path, **settings), proxying(path) as proxy:
                sources = [next(CLIENTS) for _ in range(3)]

                assert statuses(proxy, *sources) == [200, 200, third]
