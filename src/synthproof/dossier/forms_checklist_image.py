"""The guide's checklist for images, 20 items: filled from the record where a machine can know, blank where a person must.

Items are paraphrased from the guide's checklist for unstructured data (images). A machine counts files, text it takes
for burned in, metadata and copies; what a region *means* in a picture only a person can say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from synthproof.core.words import Words
from synthproof.dossier.forms import Form
from synthproof.dossier.forms_checklist import ABSENT, NO, PRESENT, YES, Reading, staged
from synthproof.dossier.forms_data import of_metric
from synthproof.dossier.numbers import interval, number
from synthproof.verification.proof import Proof

_Reader = Callable[[Proof], Reading]
INTAKE, BURNED_IN, COPIES = "image.intake", "image.burned_in", "image.near_duplicates"
NEVER_CARRIED = Words(
    en="only pixels, labels and person pseudonyms are read from the files",
    ko="파일에서 픽셀, 레이블, 사람 가명만 읽음",
)
_WHOLE_EDITS = frozenset({"image.augment", "image.duplicate", "image.identity"})


def _w(en: str, ko: str) -> Words:
    return Words(en=en, ko=ko)


def _told(text: str) -> Words:
    return Words(en=text, ko=text)


def receipt_of(proof: Proof, protection: str) -> Mapping[str, Any] | None:
    """Return the receipt of a protection, or of the intake (which may also stand in the scan)."""
    for receipt in proof.receipts:
        if receipt.get("protection") == protection:
            return receipt
    found = proof.scan.get("images", {})
    scan = found if protection == INTAKE and found.get("protection") == INTAKE else None
    return scan if isinstance(scan, Mapping) else None


def _metadata(proof: Proof) -> Reading:
    intake = receipt_of(proof, INTAKE)
    if intake is None:
        return Reading()
    told, dicom = intake["metadata"], intake.get("dicom", {})
    if not told["files"]:
        return Reading(
            answer=ABSENT, evidence=_w(f"0 of {intake['files']:,} files", f"파일 {intake['files']:,}개 중 0개")
        )
    kinds = ", ".join(f"{k} {n:,}" for k, n in told["kinds"].items())
    identifying = dicom.get("identifying", 0)
    more = (f"; {identifying:,} DICOM files with identifying items", f"; 식별 항목이 있는 DICOM 파일 {identifying:,}개")
    return Reading(
        answer=PRESENT,
        evidence=_w(
            f"{told['files']:,} of {intake['files']:,} files ({kinds}){more[0] if identifying else ''}",
            f"파일 {intake['files']:,}개 중 {told['files']:,}개({kinds}){more[1] if identifying else ''}",
        ),
    )


def _identifying_regions(proof: Proof) -> Reading:
    intake, masked = receipt_of(proof, INTAKE), receipt_of(proof, BURNED_IN)
    en, ko, found = [], [], False
    if intake is not None:
        t = intake["text"]
        found |= t["found"] > 0
        en.append(f"text in {t['found']:,} of {t['looked_at']:,} originals looked at ({t['too_small']:,} too small)")
        ko.append(f"확인한 원본 {t['looked_at']:,}개 중 {t['found']:,}개에 문자(너무 작음 {t['too_small']:,}개)")
        said = intake.get("dicom", {}).get("says_burned_in", 0)
        if said:
            found = True
            en.append(f"{said:,} files say so themselves")
            ko.append(f"파일 표시상 {said:,}개")
    looked = intake is not None and intake["text"]["looked_at"] > 0
    if masked is not None and masked["assessed"]:
        looked = True
        found |= masked["pictures_with_text"] > 0
        en.append(f"text in {masked['pictures_with_text']:,} of {masked['pictures']:,} pictures learned from")
        ko.append(f"학습 이미지 {masked['pictures']:,}장 중 {masked['pictures_with_text']:,}장에 문자")
    if not looked:
        return Reading(evidence=_w("; ".join(en), "; ".join(ko)) if en else None)
    en.append("faces and objects are not looked for: a person must")
    ko.append("얼굴·사물은 탐색하지 않으므로 사람이 확인하여야 함")
    # text found is an answer; none found is not one, since other regions may identify
    return Reading(answer=PRESENT if found else None, evidence=_w("; ".join(en), "; ".join(ko)))


def _documented(proof: Proof) -> Reading:
    names = [str(r.get("protection")) for r in proof.receipts if str(r.get("protection", "")).startswith("image.")]
    if not names:
        return Reading()
    told = ", ".join(names)
    return Reading(
        evidence=_w(
            f"receipts of {told}; regions must be described by a person", f"처리 기록: {told}. 영역은 사람이 기술"
        )
    )


def _metadata_deleted(proof: Proof) -> Reading:
    intake = receipt_of(proof, INTAKE)
    if intake is None:
        return Reading(evidence=NEVER_CARRIED if proof.schema.modality == "image" else None)
    n, carried = intake["metadata"]["files"], intake["metadata"]["carried"]
    return Reading(
        answer=YES if not carried else NO,
        evidence=_w(
            f"metadata of {n:,} files left behind: {NEVER_CARRIED.en}",
            f"파일 {n:,}개의 메타데이터 제외: {NEVER_CARRIED.ko}",
        ),
    )


def _metadata_used(proof: Proof) -> Reading:
    unit, used = proof.schema.unit_field, proof.schema.with_role("target")
    attributes = [f for f in proof.schema.fields if f.name != unit and f.name not in used]
    if attributes:  # taken from a label table or the files: what was done to them stands in form 1-4
        n = len(attributes)
        return Reading(
            evidence=_w(f"{n} attributes beside the labels, see form 1-4", f"레이블 외 속성 {n}개(서식 1-4 참조)")
        )
    who = (
        _w("the person's number became a pseudonym, and is not released", "사람 번호는 가명으로 바꾸며 공개하지 않음")
        if unit is not None
        else _w("no metadata are used", "메타데이터를 사용하지 않음")
    )
    return Reading(answer=YES if unit is not None else _w("not applicable", "해당 없음"), evidence=who)


def _text_masked(proof: Proof) -> Reading:
    masked = receipt_of(proof, BURNED_IN)
    if masked is None:
        return Reading()
    if not masked["assessed"]:
        side = masked["least_side"]
        return Reading(
            evidence=_w(f"pictures below {side} px could not be searched", f"{side}px 미만이라 탐색하지 못함")
        )
    n, places = masked["pictures_with_text"], masked["places"]
    how = {
        "mask": _w(f"{places:,} places in {n:,} pictures covered", f"이미지 {n:,}장의 {places:,}곳을 가림"),
        "drop": _w(f"{n:,} pictures left out", f"이미지 {n:,}장 제외"),
    }.get(masked["action"], _w("refused where found", "발견 시 처리 거부"))
    return Reading(answer=YES if n else None, evidence=how)


def _rare(proof: Proof) -> Reading:
    told = receipt_of(proof, COPIES)
    if told is None:
        return Reading()
    evidence = _w(
        f"{told['dropped']:,} near-copies left out of {told['pictures']:,}; rarity of content must be judged by a person",
        f"{told['pictures']:,}장 중 유사 중복 {told['dropped']:,}장 제외. 내용의 희소성은 사람이 판단하여야 함",
    )
    return Reading(evidence=evidence)


def _chosen(proof: Proof) -> Reading:
    because = proof.generator.because
    if because and because.get("en") and because.get("ko"):
        return Reading(evidence=_w(because["en"], because["ko"]))
    return Reading()


def _fits(proof: Proof) -> Reading:
    modality = proof.generator.tags.get("modality")
    if modality is None:
        return Reading()
    name = proof.generator.name
    return Reading(
        answer=YES if modality == "image" else NO,
        evidence=_w(f"a generator for {modality} data: {name}", f"{modality}용 생성기: {name}"),
    )


def _fitting(proof: Proof) -> Reading:
    parts = []
    for e in proof.evidence:
        if e.metric.startswith("image.") and e.subject == "all" and e.estimate is not None:
            parts.append(f"{e.metric} {number(e.estimate)} {interval(e.interval)}")
    return Reading(evidence=_told("; ".join(parts[:6])) if parts else None)


def _irreversible(proof: Proof) -> Reading:
    tags, name = proof.generator.tags, proof.generator.name
    if name in _WHOLE_EDITS:
        return Reading(answer=NO, evidence=_w(f"{name} edits real pictures", f"{name}은(는) 실제 이미지를 편집함"))
    if "irreversible" not in tags:
        return Reading()
    told = _w(
        f"registered property of {name}: every pixel is drawn anew", f"{name}의 등록된 성질: 모든 픽셀을 새로 생성"
    )
    if not (tags["irreversible"] and tags.get("full_synthesis")):
        return Reading(answer=NO, evidence=_w(f"registered property of {name}", f"{name}의 등록된 성질"))
    return Reading(answer=YES, evidence=told)


def _same_meaning(proof: Proof) -> Reading:
    e = of_metric(proof.evidence, "image.class_agreement")
    if e is None or e.estimate is None:
        return Reading()
    return Reading(evidence=_told(f"{e.metric} {number(e.estimate)} {interval(e.interval)}"))


def _quantity(proof: Proof) -> Reading:
    facts = proof.data.get("synthetic")
    if facts is None:
        return Reading()
    return Reading(evidence=_w(f"{facts.units:,} pictures made", f"이미지 {facts.units:,}장 생성"))


def _person(proof: Proof) -> Reading:
    return Reading()


ITEMS: tuple[tuple[str, Words, _Reader], ...] = (
    (
        "I1-1",
        _w("Were the regions of the image classified and examined?", "이미지의 영역을 구분하여 검토하였는가?"),
        _person,
    ),
    (
        "I1-2",
        _w("Were needed and unneeded regions told apart?", "활용 목적에 필요한 영역과 불필요한 영역을 구분하였는가?"),
        _person,
    ),
    ("I1-3", _w("Are there metadata, and do they identify?", "메타데이터가 있으며 식별 가능성이 있는가?"), _metadata),
    (
        "I1-4",
        _w(
            "Are there regions that identify (burned-in number, name tag, face of a passer-by)?",
            "식별 가능한 영역(새겨진 환자번호, 이름표, 주변인의 얼굴 등)이 있는가?",
        ),
        _identifying_regions,
    ),
    (
        "I1-5",
        _w(
            "Does this kind of image identify by nature (face, scar, build)?",
            "얼굴, 흉터, 체형처럼 이미지 자체로 식별될 수 있는 종류인가?",
        ),
        _person,
    ),
    (
        "I1-6",
        _w(
            "Is there rare content (unique tattoo, rare bone structure)?",
            "희소한 내용(특이한 문신, 드문 골격 등)이 있는가?",
        ),
        _person,
    ),
    ("I1-7", _w("Is all of this documented?", "위 내용을 문서로 정리하였는가?"), _documented),
    (
        "I2-1",
        _w(
            "Were unused metadata deleted (for example by converting DICOM)?",
            "사용하지 않는 메타데이터를 삭제하였는가(예: DICOM을 다른 형식으로 변환)?",
        ),
        _metadata_deleted,
    ),
    (
        "I2-2",
        _w("Were used metadata de-identified and protected?", "사용하는 메타데이터를 비식별 처리하고 보호하였는가?"),
        _metadata_used,
    ),
    ("I2-3", _w("Were unneeded regions deleted or masked?", "불필요한 영역을 삭제하거나 가렸는가?"), _person),
    (
        "I2-4",
        _w("Were identifying regions deleted or masked?", "식별 가능한 영역을 삭제하거나 가렸는가?"),
        _text_masked,
    ),
    (
        "I2-5",
        _w("Were rare images deleted, or their rare part masked?", "희소한 이미지를 삭제하거나 해당 부분을 가렸는가?"),
        _rare,
    ),
    (
        "I3-1",
        _w(
            "Was the generator chosen with purpose and environment in mind?",
            "활용 목적과 환경을 고려하여 생성 방법을 선택하였는가?",
        ),
        _chosen,
    ),
    ("I3-2", _w("Does the generator fit images?", "생성 방법이 이미지에 적합한가?"), _fits),
    (
        "I3-3",
        _w("Are strengths and weaknesses of the method understood?", "생성 방법의 장단점을 이해하고 있는가?"),
        _person,
    ),
    (
        "I3-4",
        _w("Could parameters cause over- or under-fitting?", "매개변수로 인한 과적합·과소적합 가능성을 검토하였는가?"),
        _fitting,
    ),
    (
        "I3-5",
        _w(
            "Is it more than an edit of the whole image (flip, rotation, noise, colour, crop, resize), and irreversible?",
            "이미지 전체의 단순 편집(반전, 회전, 잡음, 색상, 자르기, 크기 조정)이 아닌 비가역적 방법인가?",
        ),
        _irreversible,
    ),
    ("I4-1", _w("Are the needed regions preserved?", "필요한 영역이 유지되었는가?"), _person),
    (
        "I4-2",
        _w(
            "Do they mean the same as the originals, without impossible images (more than 32 teeth)?",
            "원본과 의미가 같고 불가능한 이미지(예: 치아 32개 초과)가 없는가?",
        ),
        _same_meaning,
    ),
    ("I4-3", _w("Is the required quantity reached?", "필요한 수량을 확보하였는가?"), _quantity),
)


def checklist_image(proof: Proof, preview: Mapping[str, Any]) -> Form:
    """Return the 20 items I1-1 … I4-3; an answer that only a person can give is left blank."""
    sections = staged([(name, question, read(proof)) for name, question, read in ITEMS])
    return Form(
        id="checklist",
        title=_w("Checklist of generation, images (20 items)", "합성데이터 생성 체크리스트(비정형-이미지, 20항목)"),
        sections=sections,
        wide=True,
    )


__all__ = ["ITEMS", "checklist_image", "receipt_of"]
