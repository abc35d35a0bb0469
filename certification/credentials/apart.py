"""A process of its own with little time and memory: did one of these keys sign this document? Prints "signed" or nothing."""

import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from certification.credentials.contexts import PINNED
from certification.credentials.keys import base58_decode
from certification.credentials.openbadges import verify_data_integrity

SECONDS, BYTES = 2, 768 * 1024 * 1024


def limit() -> None:
    """Of processor and memory; nothing can be written. Without POSIX only the caller's clock holds."""
    try:
        import resource  # noqa: PLC0415  not everywhere
    except ImportError:
        return
    for what, most in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, BYTES),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, most))


def check(document: object, keys: dict[str, str]) -> bool:
    """Whether it has the shape of our credentials and a proof by one of the keys (name: multibase)."""
    match document:
        case {
            "@context": list(contexts),
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "proof": [{"verificationMethod": str(method)}],
            "credentialSubject": {"achievement": dict()},
        } if isinstance(document, dict) and contexts == list(PINNED):
            if method not in keys:
                return False
            key = Ed25519PublicKey.from_public_bytes(base58_decode(keys[method][1:])[2:])
            return verify_data_integrity(document, key, method)
    return False


if __name__ == "__main__":
    limit()
    asked = json.load(sys.stdin)
    if check(json.loads(asked["document"]), asked["keys"]):
        sys.stdout.write("signed\n")
        sys.stdout.flush()
