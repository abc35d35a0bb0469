"""Asks the DNS for a token."""

import dns.exception
import dns.resolver

from portal.domains.rules import RECORD, TEXT_PREFIX, Answer
from portal.settings import settings

SECONDS = 6.0


def ask_dns(domain: str, token: str) -> Answer:
    """Whether `_yuqiao.<domain>` has a TXT record with the token, by itself or after `yuqiao-verification=`."""
    try:
        texts = _resolver().resolve(f"{RECORD}.{domain}", "TXT", lifetime=SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Answer.MISSING
    except (dns.exception.DNSException, OSError):
        return Answer.SILENT
    found = {b"".join(record.strings).decode("utf-8", "replace").strip() for record in texts}
    return Answer.THERE if found & {token, TEXT_PREFIX + token} else Answer.MISSING


def _resolver() -> dns.resolver.Resolver:
    """The system's, or the one that DNS_RESOLVER names as address or address:port."""
    address = settings().dns_resolver
    if not address:
        return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    host, _, port = address.rpartition(":") if address.count(":") == 1 else (address, "", "53")
    resolver.nameservers, resolver.port = [host], int(port)
    return resolver
