"""The form of a case: a shipped one by its name, an institution's own as it was when the case was opened.

Questions and counting rules must not change under a vote, and must be there when the server is restored elsewhere. So an
institution's file is copied beside the dossiers, under its digest, and read from there.
"""

from __future__ import annotations

from pathlib import Path

from synthproof.core.errors import StateError
from synthproof.core.files import write_bytes
from synthproof.review.form import SHIPPED, Form, load_form
from synthproof.web.models import Case
from synthproof.web.store import Store

FORMS = "forms"


def keep_form(store: Store, name: str) -> tuple[Form, str]:
    """Return a form, and the name under which a case keeps it.

    Parameters
    ----------
    name
        A shipped form, or the path of a TOML file, which is copied into the server's folder.

    Raises
    ------
    NotFoundError, ConfigError
        ``review/unknown-form``, ``review/bad-form``.
    """
    form = load_form(name)
    if name in SHIPPED:
        return form, name
    kept = f"{FORMS}/{form.digest.removeprefix('sha256:')}.toml"
    place = store.data / kept
    if not place.is_file():
        write_bytes(place, Path(name).read_bytes())
        place.chmod(0o400)
    return form, kept


def form_of(store: Store, case: Case) -> Form:
    """Return the form of a case.

    Raises
    ------
    StateError
        ``web/changed`` when the kept copy is no longer what it was.
    """
    if not case.form.startswith(f"{FORMS}/"):
        return load_form(case.form)
    form = load_form(store.data / case.form)
    if form.digest.removeprefix("sha256:") != Path(case.form).stem:
        raise StateError("web/changed", name=case.form)
    return form
