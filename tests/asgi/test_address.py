"""Who a client is: by its address, and by what trusted proxies say."""

from __future__ import annotations

import logging
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import assume, example, given, strategies as st

from aiolimiter.asgi import Forwarded, client_address
from aiolimiter.asgi._address import _warn

from .asking import connection


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_ipv6_addresses_of_one_network_are_one_client(host, name):
    """A client is its IPv4 address, or the network of its IPv6 address."""
    assert client_address(connection(client=host)) == name


@pytest.mark.parametrize("key", [client_address, Forwarded("192.0.2.1")])
def test_no_address_is_one_client(key, caplog):
    """Who has no address shares a limit with all others, and one warning says so."""
    _warn.cache_clear()
    with caplog.at_level(logging.WARNING, "aiolimiter.asgi"):
        names = [key(connection(client=None)) for _ in range(3)]

    assert names == ["", "", ""]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "key=Forwarded(['unix'])" in caplog.text


PROXY = "10.0.0.1"


def behind(*lines, client=PROXY, header="x-forwarded-for"):
    return connection(client=client, headers=[(header, line) for line in lines])


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7:4711"], "192.0.2.7"),
        (["[2001:db8::7]:4711"], "2001:db8::/64"),
        (["[2001:db8::7]"], "2001:db8::/64"),
        (["2001:db8::7"], "2001:db8::/64"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
        (["fe80::7%eth0"], "fe80::/64"),
        (["[fe80::7%25eth0]:4711"], "fe80::/64"),
        (["192.0.2.7, 10.0.0.3,\t10.0.0.2"], "192.0.2.7"),
        (["192.0.2.7", "10.0.0.3", "10.0.0.2"], "192.0.2.7"),
    ],
)
def test_behind_a_trusted_proxy_clients_are_told_apart(lines, name):
    """The first address from the right that is no proxy's is the client's."""
    assert Forwarded(["10.0.0.0/8"])(behind(*lines)) == name


@pytest.mark.parametrize("forged", ["6.6.6.6", "10.0.0.9", "rubbish", '"', "[", "::"])
@pytest.mark.parametrize("key", [Forwarded("10.0.0.1"), Forwarded("10.0.0.0/8")])
def test_a_forged_entry_left_of_the_proxys_is_skipped(forged, key):
    """What a client writes stands left of what the proxy adds, and is not read."""
    one_line, two_lines = behind(f"{forged}, 192.0.2.7"), behind(forged, "192.0.2.7")

    assert key(one_line) == key(two_lines) == "192.0.2.7"


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
def test_a_forged_forwarding_header_changes_nothing(header):
    """A peer that is no proxy is the client, whatever it writes."""
    key = Forwarded(["10.0.0.0/8"], header=header)
    lines = ["for=6.6.6.6", "6.6.6.6"]

    assert key(behind(*lines, client="192.0.2.7", header=header)) == "192.0.2.7"
    assert client_address(behind("6.6.6.6", client="192.0.2.7")) == "192.0.2.7"
    assert key(behind("6.6.6.6", client="no address")) == "no address"


def test_direct_access_past_the_proxy_is_the_peer():
    """Who reaches the application directly is known by its own address."""
    key = Forwarded(["10.0.0.1"])

    assert key(behind("6.6.6.6", client="2001:db8::7")) == "2001:db8::/64"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("", PROXY),
        ("unknown", PROXY),
        ("_hidden", PROXY),
        ("192.0.2.7, unknown", PROXY),
        ("192.0.2.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("010.0.0.7", PROXY),
        ("192.0.2.7 6.6.6.6", PROXY),
        ("١٩٢.0.2.7".encode().decode("latin-1"), PROXY),
        ("[192.0.2.7", PROXY),
        ("1" * 65, PROXY),
        ("10.0.0.4, 10.0.0.3", "10.0.0.4"),
    ],
)
def test_what_is_no_address_ends_the_walk(line, name):
    """An entry that can't be read leaves the last proxy that could."""
    assert Forwarded(["10.0.0.0/8"])(behind(line)) == name


@pytest.mark.parametrize(
    "line", [", ".join(["6.6.6.6"] * 33), "6" * 2049, "6" * 65_536 + ", 192.0.2.7"]
)
def test_a_header_that_is_too_long_is_not_read(line):
    """More than 32 entries or 2,048 characters count as the peer."""
    assert Forwarded([PROXY])(behind(line)) == PROXY


def test_the_longest_header_is_read():
    """32 entries in 2,048 characters are read."""
    line = ", ".join(["6.6.6.6"] * 31 + ["192.0.2.7"])

    assert Forwarded([PROXY])(behind(line.rjust(2048))) == "192.0.2.7"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("for=192.0.2.7", "192.0.2.7"),
        ("For=192.0.2.7;proto=https;by=10.0.0.1", "192.0.2.7"),
        ('for="192.0.2.7:4711"', "192.0.2.7"),
        ('proto=http; for="[2001:db8::7]:_port"', "2001:db8::/64"),
        ("for=6.6.6.6, for=192.0.2.7, for=10.0.0.2", "192.0.2.7"),
        # A quote left open would swallow what the proxy has added.
        ('for="6.6.6.6, for=192.0.2.7', "192.0.2.7"),
        ("for=192.0.2.7;for=6.6.6.6", PROXY),
        ("for=10.0.0.3, for=10.0.0.2", "10.0.0.3"),
        ("for=unknown", PROXY),
        ("for=", PROXY),
        ('for="[::', PROXY),
        ("proto=https", PROXY),
        ("192.0.2.7", PROXY),
    ],
)
def test_forwarded_is_read(line, name):
    """The header of RFC 7239 is read by its `for`."""
    key = Forwarded(["10.0.0.0/8"], header="forwarded")

    assert key(behind(line, header="forwarded")) == name


def test_only_one_of_the_headers_is_read():
    """A client may write the header that the proxy does not."""
    headers = [("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "192.0.2.7")]

    assert Forwarded(PROXY)(connection(client=PROXY, headers=headers)) == "192.0.2.7"


def test_behind_a_unix_socket_clients_are_told_apart():
    """With "unix" a peer without an address is a proxy."""
    key = Forwarded(["unix", "10.0.0.2"])

    assert key(behind("192.0.2.7, 10.0.0.2", client=None)) == "192.0.2.7"
    assert key(behind("10.0.0.2", client=None)) == "10.0.0.2"
    assert key(behind(client=None)) == ""
    assert key(behind("6.6.6.6", client="10.0.0.1")) == "10.0.0.1"


def test_the_network_of_a_client_can_be_larger():
    """`ipv6_prefix` says how many bits are one client, also for the peer."""
    key = Forwarded([PROXY], ipv6_prefix=48)

    assert key(behind("2001:db8:1:2::7")) == "2001:db8:1::/48"
    assert key(behind(client="2001:db8:1:2::7")) == "2001:db8:1::/48"


ADDRESSES = st.ip_addresses().map(str)
TRUSTED = ["10.0.0.0/8", "fd00::/8"]


@given(
    client=ADDRESSES,
    forged=st.lists(st.text(st.characters(codec="latin-1")), max_size=8),
    proxies=st.lists(st.ip_addresses(network="10.0.0.0/8").map(str), max_size=8),
)
@example(client="192.0.2.7", forged=["10.0.0.1", ","], proxies=[])
def test_no_header_makes_another_client(client, forged, proxies):
    """Through trusted proxies a client is itself, whatever it has written before."""
    key = Forwarded(TRUSTED)
    address = ip_address(client)
    assume(not any(address in ip_network(network) for network in TRUSTED))
    line = ",".join([*forged, client, *proxies])
    assume(len(line) <= 2048 and line.count(",") < 32)

    assert key(behind(line)) == client_address(connection(client=client))


@given(line=st.text(st.characters(codec="latin-1")), header=st.booleans())
def test_no_header_raises(line, header):
    """Whatever stands in a header, there is a client."""
    name = "forwarded" if header else "x-forwarded-for"
    key = Forwarded(TRUSTED, header=name)

    assert isinstance(key(behind(line, header=name)), str)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "^trusted must name a proxy, got none"),
        ((["*"],), r"^trusted must be addresses, networks or 'unix', got '\*'"),
        ((["10.0.0.1/8"],), "got '10.0.0.1/8': .*host bits set"),
        (([PROXY], "x-real-ip"), "^header must be x-forwarded-for or forwarded, got"),
        (([PROXY], "forwarded", 0), "^ipv6_prefix must be 1 to 128, got 0"),
        (([PROXY], "forwarded", 129), "^ipv6_prefix must be 1 to 128, got 129"),
    ],
)
def test_what_can_not_be_trusted_is_refused(arguments, message):
    """A mistake in who is trusted is found at once."""
    with pytest.raises(ValueError, match=message):
        Forwarded(*arguments)
