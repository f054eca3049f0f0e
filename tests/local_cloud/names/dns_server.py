"""A DNS server on UDP and TCP: our zones are answered here, every other name is forwarded."""

from __future__ import annotations

import contextlib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnslib import AAAA, QTYPE, RCODE, RR, SOA, SRV, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from local_cloud.names.zones import answer_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.names.zones import Answer, Record, Zone

log = logging.getLogger("local_cloud")

RESOLV_CONF = Path("/etc/resolv.conf")
NAMESERVER = re.compile(r"^\s*nameserver\s+(\S+)", re.MULTILINE)
FORWARD_TIMEOUT = 2.0  # seconds for each of the machine's name servers


class NameServer:
    """Serves zones on one address, on a free port for UDP and one for TCP.

    upstream: the addresses and ports that other names are forwarded to; this machine's name servers if None.
    """

    def __init__(
        self, zones: Sequence[Zone], address: str, upstream: Sequence[tuple[str, int]] | None = None
    ) -> None:
        resolver = _Resolver(zones, nameservers() if upstream is None else upstream)
        silent = DNSLogger(log="-request,-reply,-truncated,-error", prefix=False)
        self._servers: list[Any] = []
        for tcp in (False, True):
            self._servers.append(DNSServer(resolver, address=address, port=0, tcp=tcp, logger=silent))
        self.udp_port, self.tcp_port = (int(one.server.server_address[1]) for one in self._servers)

    def start(self) -> None:
        """Answer from threads of its own."""
        for one in self._servers:
            one.start_thread()

    def close(self) -> None:
        """Answer no more, and free the ports."""
        for one in self._servers:
            one.stop()
            one.server.server_close()


class _Resolver(BaseResolver):  # type: ignore[misc]  # dnslib has no types
    """Answers a parsed question."""

    def __init__(self, zones: Sequence[Zone], upstream: Sequence[tuple[str, int]]) -> None:
        self._zones = zones
        self._upstream = upstream

    def resolve(self, request: Any, handler: Any) -> Any:
        """See dnslib's BaseResolver."""
        kind = QTYPE.get(request.q.qtype)
        found = answer_from(self._zones, str(request.q.qname), str(kind))
        if found is None:
            return self._forward(request, tcp=handler.protocol == "tcp")
        return _written(request, found)

    def _forward(self, request: Any, *, tcp: bool) -> Any:
        """The answer of the first name server that gives one; SERVFAIL if none does.

        It is asked by UDP, as some do not answer by TCP, and again by TCP for a client that wants more than
        fits into a datagram.
        """
        for address, port in self._upstream:
            with contextlib.suppress(OSError):
                reply = DNSRecord.parse(request.send(address, port, timeout=FORWARD_TIMEOUT))
                if reply.header.tc and tcp:
                    reply = DNSRecord.parse(request.send(address, port, tcp=True, timeout=FORWARD_TIMEOUT))
                return reply
        reply = request.reply(aa=0)
        reply.header.rcode = RCODE.SERVFAIL
        return reply


def _written(request: Any, found: Answer) -> Any:
    reply = request.reply(aa=1)
    for record in found.records:
        # Spelt as in the question: resolvers that vary the case compare it.
        reply.add_answer(
            RR(request.q.qname, getattr(QTYPE, record.kind), rdata=_data(record), ttl=record.ttl)
        )
    if not found.records:
        reply.header.rcode = RCODE.NOERROR if found.exists else RCODE.NXDOMAIN
        times = (1, 7200, 900, 1_209_600, found.negative_ttl)
        start = SOA(f"ns-0.{found.zone}", f"awsdns-hostmaster.{found.zone}", times)
        reply.add_auth(RR(found.zone, QTYPE.SOA, rdata=start, ttl=found.negative_ttl))
    return reply


def _data(record: Record) -> Any:
    if record.kind == "SRV":
        priority, weight, port, target = record.value.split()
        return SRV(int(priority), int(weight), int(port), target)
    return AAAA(record.value) if record.kind == "AAAA" else A(record.value)


def nameservers(file: Path = RESOLV_CONF) -> list[tuple[str, int]]:
    """The machine's own name servers, in order."""
    try:
        return [(address, 53) for address in NAMESERVER.findall(file.read_text(encoding="utf-8"))]
    except OSError:
        return []
