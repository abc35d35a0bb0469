"""Keep the pictures of questions."""

import hashlib

from sqlmodel import Session

from certification.banks.form import QuestionForm
from certification.banks.models import Picture
from certification.banks.pictures import media_type
from certification.banks.queries import pictures_by_hash


def keep_pictures(session: Session, form: QuestionForm) -> dict[str, int]:
    """Name → picture. The same bytes are kept once, whatever asks for them."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in form.pictures.items()}
    kept = pictures_by_hash(session, set(hashes.values())) if hashes else {}
    for name, sha256 in hashes.items():
        if sha256 not in kept:
            content = form.pictures[name]
            picture = Picture(sha256=sha256, media_type=media_type(content), content=content)
            session.add(picture)
            session.flush()
            kept[sha256] = picture.id or 0
    return {name: kept[sha256] for name, sha256 in hashes.items()}
