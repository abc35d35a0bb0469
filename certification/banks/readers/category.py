"""The path of a category: its first part is the topic, all of it the group."""

import re

from certification.banks.build import NO_TOPIC


def topic_and_group(path: str) -> tuple[str, str]:
    """`$course$/top/Chapter 1/Section 2` → ("Chapter 1", "Chapter 1/Section 2"); // is a stroke within a name."""
    parts = [
        part.replace("\0", "/").strip() for part in path.replace("//", "\0").split("/") if part.strip(" \0")
    ]
    while parts and (re.fullmatch(r"\$[a-z]{1,20}\$", parts[0]) or parts[0].lower() == "top"):
        parts.pop(0)
    return (parts[0], "/".join(parts)) if parts else (NO_TOPIC, "")
