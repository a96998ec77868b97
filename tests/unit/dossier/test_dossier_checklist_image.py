"""The guide's 20 items for images: read from receipts, blank where a person must answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from synthproof.core.schema import Purpose
from synthproof.dossier.forms import Form
from synthproof.dossier.forms_checklist import ABSENT, NO, PRESENT, YES
from synthproof.dossier.forms_checklist_image import ITEMS, checklist_image
from synthproof.protection.burned_in import BurnedIn
from synthproof.protection.near_duplicates import NearDuplicates
from synthproof.testing.picture_protections import example
from synthproof.verification.proof import Proof

INTAKE: dict[str, Any] = {
    "protection": "image.intake",
    "files": 40,
    "text": {"looked_at": 38, "found": 2, "too_small": 2},
    "metadata": {"files": 12, "kinds": {"EXIF": 12, "GPS": 3}, "carried": 0},
    "dicom": {"files": 10, "identifying": 9, "says_burned_in": 1},
    "treatments": [],
}


def answers(form: Form) -> dict[str, Any]:
    return {str(row[0]): row for s in form.sections for row in s.rows}


def of_pictures(proof: Proof, **more: Any) -> Proof:
    train, _ = example()
    tags = {"modality": "image", "irreversible": True, "full_synthesis": True}
    generator = replace(proof.generator, name="image.flow", tags=tags)
    return replace(proof, schema=train.schema, generator=generator, **more)


def test_it_has_the_guides_twenty_items(proof: Proof) -> None:
    ids = [name for name, _, _ in ITEMS]
    assert ids == [f"I{s}-{i}" for s, n in ((1, 7), (2, 5), (3, 5), (4, 3)) for i in range(1, n + 1)]
    assert len(ids) == 20
    form = checklist_image(of_pictures(proof), {})
    assert list(answers(form)) == ids
    assert [len(s.rows) for s in form.sections] == [7, 5, 5, 3]
    assert all(row[4] is None for row in answers(form).values()), "nobody has confirmed anything"


def test_it_is_filled_from_receipts(proof: Proof) -> None:
    train, holdout = example()
    receipts = [INTAKE]
    for protection in (NearDuplicates().fit(train), BurnedIn().fit(train)):
        protection.transform(holdout)
        receipts.append(dict(protection.receipt()))
    rows = answers(checklist_image(of_pictures(proof, receipts=tuple(receipts)), {}))
    assert rows["I1-3"][2] == PRESENT
    assert "EXIF 12" in rows["I1-3"][3].en
    assert "9" in rows["I1-3"][3].ko
    assert rows["I1-4"][2] == PRESENT
    assert rows["I2-1"][2] == YES
    assert rows["I2-4"][2] == YES
    assert "2 places" in rows["I2-4"][3].en or "places in 2 pictures" in rows["I2-4"][3].en
    assert "2 near-copies" in rows["I2-5"][3].en
    assert rows["I3-2"][2] == YES
    assert rows["I3-5"][2] == YES
    for by_person in ("I1-1", "I1-2", "I1-5", "I1-6", "I2-3", "I3-3", "I4-1"):
        assert rows[by_person][2] is None, by_person


def test_nothing_found_is_no_answer_to_what_only_eyes_can_see(proof: Proof) -> None:
    clean = {**INTAKE, "text": {"looked_at": 40, "found": 0, "too_small": 0}, "dicom": {},
             "metadata": {"files": 0, "kinds": {}, "carried": 0}}  # fmt: skip
    rows = answers(checklist_image(of_pictures(proof, receipts=(), scan={"images": clean}), {}))
    assert rows["I1-3"][2] == ABSENT
    assert rows["I1-4"][2] is None
    assert "a person must" in rows["I1-4"][3].en
    edited = of_pictures(proof, receipts=())
    edited = replace(edited, generator=replace(edited.generator, name="image.augment"))
    assert answers(checklist_image(edited, {}))["I3-5"][2] == NO
    bare = replace(
        proof, receipts=(), scan={}, evidence=(), generator=replace(proof.generator, tags={}, because=None),
        purpose=Purpose(), verdict=replace(proof.verdict, findings=()),
    )  # fmt: skip
    assert {n for n, row in answers(checklist_image(bare, {})).items() if row[2] is not None} <= {"I2-2"}
