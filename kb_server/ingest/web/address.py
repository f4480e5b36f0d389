"""Which addresses may be connected to: public ones, checked on the very address that is then used."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from kb_server.core.errors import LoadError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


def parse_url(url: str) -> SplitResult:
    """Return the parts of an http or https URL; raises LoadError for any other, and for one with a password in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise LoadError(f"'{url}' is no address of a page: {error}.", "Check it.") from error
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise LoadError(f"'{url}' is not an http or https address.", "Give one that begins with https:// or http://.")
    if parts.username is not None or parts.password is not None:
        raise LoadError(f"The address of '{parts.hostname}' holds a user name or password.", "Leave it out.")
    return parts


def port_of(parts: SplitResult) -> int:
    """Return the port, the scheme's usual one if none is given."""
    return parts.port or _PORTS[parts.scheme]


def resolve(host: str, port: int, allowed: Sequence[Network] = ()) -> str:
    """Return the one address to connect to; raises LoadError unless every address of the host is public.

    `allowed` are networks that pass though they are not public: for tests, which have a server of their own.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise LoadError(f"The host '{host}' is not known.", "Check the address and the network.") from error
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        if not is_public(address) and not any(address in network for network in allowed):
            raise LoadError(
                f"'{host}' is at {address}, which is not a public address.",
                "Pages of this machine and of private networks are not fetched; save the page and ingest the file.",
            )
    return str(addresses[0])


def is_public(address: Address) -> bool:
    """Tell whether anybody can reach an address; one that carries another within is judged by that."""
    inner = _carried(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _carried(address: Address) -> IPv4Address | None:
    """Return the IPv4 address within a mapped, 6to4, Teredo or NAT64 one."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64 or address.packed[:12] == bytes(12):  # the second form was "IPv4-compatible"
        return IPv4Address(address.packed[12:])
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
