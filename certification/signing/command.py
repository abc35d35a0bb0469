"""`yuqiao keys add | list | revoke` and `yuqiao credentials reissue`."""

import sys

from certification.credentials import keyring
from certification.credentials.keyring import keys as key_files
from certification.credentials.keys import KeyUse
from certification.signing.actions import add_key, ask_to_reissue, register_keys, revoke_key
from certification.signing.jobs import reissue_all
from certification.signing.queries import keys_in_force, reissue_progress, signing_keys
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.refusal import Refused

USES = {"credential": KeyUse.CREDENTIAL, "status": KeyUse.STATUS_LIST, "jwt": KeyUse.JWT}


def add(use: str) -> int:
    with transaction(sessions()) as session:
        register_keys(session, now=clock.now())
        row = add_key(session, USES[use], now=clock.now())
        print(f"{row.name} is published and signs from {row.signs_from:%Y-%m-%d %H:%M} UTC on.")
        print(f"Its file is in {keyring.folder()}: copy it to every host that runs the server or a worker.")
    return 0


def list_keys() -> int:
    now = clock.now()
    with transaction(sessions()) as session:
        register_keys(session, now=now)
        rows, counts = signing_keys(session), keys_in_force(session, now)
        public = {key.id for key in keyring.published(session, now)[0]}
        here = {key.id for key in key_files()}
        signing = {keyring.signing(rows, use, now).id for use in KeyUse}
        for row in rows:
            state = (
                f"revoked {row.revoked_at:%Y-%m-%d}: {row.reason}"
                if row.revoked_at
                else "signs"
                if row.name in signing
                else f"signs from {row.signs_from:%Y-%m-%d %H:%M} UTC"
                if row.signs_from > now
                else "followed by a newer one"
            )
            notes = [
                state,
                "published" if row.name in public else "no longer published",
                *([] if row.name in here else ["no file here"]),
            ]
            print(f"{row.name:18} {counts.get(row.name, 0):6} in force  {', '.join(notes)}")
    return 0


def revoke(name: str, reason: str) -> int:
    """1: there is no such key."""
    now = clock.now()
    try:
        with transaction(sessions()) as session:
            register_keys(session, now=now)
            asked = revoke_key(session, name, reason, now=now)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(f"{name} is revoked in did.json and no longer in jwks.json.")
    return _carry_out(asked.id or 0) if asked else 0


def reissue(code: str, reason: str) -> int:
    with transaction(sessions()) as session:
        asked = ask_to_reissue(session, reason, code=code, now=clock.now())
    return _carry_out(asked.id or 0)


def _carry_out(reissue_id: int) -> int:
    """Here and now; when this is stopped, the server goes on by itself."""
    reissue_all.fn(reissue_id)
    with transaction(sessions(), read_only=True) as session:
        print(f"{reissue_progress(session, reissue_id)} credentials were issued again.")
    return 0
