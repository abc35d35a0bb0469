"""ZIP archives of strangers, opened in memory only: few entries, little content, harmless names."""

import io
import stat
import zipfile
import zlib
from pathlib import PurePosixPath

from portal.files.reading import UnreadableFileError
from portal.refusal import mark

MOST_ENTRIES = 2_000
MOST_UNPACKED = 100 * 1024 * 1024
MOST_RATIO = 100
_SMALL = 64 * 1024  # below this no ratio does harm
_ARCHIVES = {".zip", ".jar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".imscc"}
_BROKEN = mark("The archive is damaged or not a plain ZIP file.")


def open_archive(
    content: bytes, *, most_bytes: int = MOST_UNPACKED, archives_within: bool = False
) -> dict[str, bytes]:
    """Name → content of every file. UnreadableFileError with the first thing that is not as it should be.

    `most_bytes`: unpacked, of all files together. Archives within are never opened; they are refused unless told otherwise.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check(entries, most_bytes, archives_within=archives_within)
            files = {e.filename: archive.read(e) for e in entries if not e.is_dir()}
    except UnreadableFileError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
    ):
        raise UnreadableFileError(_BROKEN) from None
    for name, inside in files.items():
        if not archives_within and inside[:4] == b"PK\x03\x04":
            raise UnreadableFileError(mark("The archive holds another archive: %(name)s."), name=name[:80])
    return files


def _check(entries: list[zipfile.ZipInfo], most_bytes: int, *, archives_within: bool) -> None:
    if len(entries) > MOST_ENTRIES:
        raise UnreadableFileError(mark("The archive holds more than 2,000 files."))
    if sum(e.file_size for e in entries) > most_bytes:
        raise UnreadableFileError(
            mark("The archive unpacks to more than %(most)s MB."), most=most_bytes // (1024 * 1024)
        )
    seen = set()
    for entry in entries:
        name = entry.filename
        if entry.file_size > _SMALL and entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
            raise UnreadableFileError(mark("The archive is packed more tightly than honest files are."))
        if not _is_harmless(entry.orig_filename) or not _is_harmless(name):
            raise UnreadableFileError(
                mark("The archive holds a file that would land outside its folder: %(name)s."),
                name="".join(c if c.isprintable() else "?" for c in name[:80]),
            )
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UnreadableFileError(mark("The archive holds a link: %(name)s."), name=name[:80])
        if entry.flag_bits & 0x1:
            raise UnreadableFileError(mark("The archive is protected by a password."))
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnreadableFileError(_BROKEN)
        if not archives_within and PurePosixPath(name).suffix.lower() in _ARCHIVES:
            raise UnreadableFileError(mark("The archive holds another archive: %(name)s."), name=name[:80])
        if name in seen:
            raise UnreadableFileError(mark("The archive holds a file twice: %(name)s."), name=name[:80])
        seen.add(name)


def _is_harmless(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return (
        name.isprintable()
        and not name.startswith(("/", "\\"))
        and ":" not in parts[0]
        and ".." not in parts
        and len(name) <= 300
    )
