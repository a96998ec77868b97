"""Forms 1-1 (plan of use) and 1-2 (basis of generation) of the guide's appendix 7."""

from __future__ import annotations

from synthproof.core.words import LANGS, Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.forms import Form, Line, Section, boxes, from_dict, listed, same
from synthproof.dossier.forms_data import FORMATS, KIND_WORDS, format_of
from synthproof.dossier.record import PROTECTION_WORDS, environment_rows, generator_rows
from synthproof.policy.purposes import ENVIRONMENT_WORDS, FORM_WORDS, needed_level
from synthproof.verification.proof import Proof

USES = (
    ("ai_training", Words(en="training of AI", ko="인공지능 학습")),
    ("analysis", Words(en="analysis, collaboration", ko="데이터 분석·협업")),
    ("software_test", Words(en="software test", ko="소프트웨어 시험")),
    ("education", Words(en="education", ko="교육")),
)


def form_1_1(proof: Proof) -> Form:
    """Return 합성데이터 활용 계획서."""
    purpose = proof.purpose
    level = needed_level(purpose)
    source = proof.data.get("source") or proof.data.get("train")
    people = Section(
        title=Words(en="Participant", ko="참여자"),
        lines=tuple(
            Line(label=label)
            for label in (
                Words(en="Organisation, department", ko="소속(기관·부서)"),
                Words(en="Position", ko="직위"),
                Words(en="Name", ko="성명"),
            )
        )
        + (Line(label=Words(en="Phone, e-mail", ko="전화번호·전자우편"), value=same(purpose.contact)),),
    )
    plan = Section(
        title=Words(en="Purpose and range", ko="활용 목적과 범위"),
        lines=(
            Line(label=Words(en="Title", ko="과제명"), value=same(purpose.title)),
            Line(label=Words(en="Kind of use", ko="이용 유형"), value=boxes(USES, purpose.use), confirm=True),
            Line(label=Words(en="Purpose", ko="활용 목적"), value=same(purpose.description, 2000)),
            Line(
                label=Words(en="Form of use", ko="활용 형태"),
                value=boxes(tuple(reversed(list(FORM_WORDS.items()))), purpose.form),
                confirm=True,
            ),
            Line(
                label=Words(en="Environment", ko="활용 환경"),
                value=boxes(tuple(ENVIRONMENT_WORDS.items()), purpose.environment),
                confirm=True,
            ),
            Line(
                label=Words(en="Needed safety", ko="요구되는 안전성 수준"),
                value=Words(en=f"{level.words.en} ({level.because.en})", ko=f"{level.words.ko} ({level.because.ko})"),
            ),
            Line(label=Words(en="Holder of the source", ko="원본 보유 주체"), value=same(purpose.holder)),
            Line(label=Words(en="Maker", ko="생성 주체"), value=same(purpose.maker)),
            Line(label=Words(en="User", ko="활용 주체"), value=same(purpose.user)),
            Line(label=Words(en="Once or repeated (n times)", ko="반복 여부(1회 / n회)")),
            Line(label=Words(en="Delivery (online, offline)", ko="제공 방법(온라인 / 오프라인)")),
            Line(label=Words(en="Period of use", ko="활용 기간"), value=same(purpose.period)),
        ),
    )
    data = Section(
        title=Words(en="Source", ko="원본데이터"),
        lines=(
            Line(label=Words(en="Name of the source", ko="원본데이터명"), value=same(source.name) if source else None),
            Line(
                label=Words(en="Size", ko="규모"),
                value=Words(
                    en=f"{source.units:,} units, {source.rows:,} rows, {source.columns} columns",
                    ko=f"{source.units:,}개 단위, {source.rows:,}행, {source.columns}개 항목",
                )
                if source
                else None,
            ),
            Line(label=Words(en="Details of the source", ko="원본데이터 상세")),
            Line(
                label=Words(en="Legal basis of obtaining and using it", ko="확보·이용의 법적 근거"),
                value=same(purpose.legal_basis, 600),
                confirm=True,
            ),
            Line(
                label=Words(
                    en="Attachments (consignment contract, supply contract, IRB notice …)",
                    ko="첨부 서류(위·수탁 계약서, 데이터 제공 계약서, IRB 통지서 등)",
                )
            ),
        ),
    )
    return Form(
        id="1-1",
        title=Words(en="Form 1-1: plan of use of synthetic data", ko="서식 1-1 합성데이터 활용 계획서"),
        sections=(people, plan, data),
    )


def form_1_2(proof: Proof) -> Form:
    """Return 합성데이터 생성 기초자료 명세서."""
    purpose, g = proof.purpose, proof.generator
    source = proof.data.get("source") or proof.data.get("train")
    made = proof.data.get("synthetic")
    kinds: dict[str, int] = {}
    for f in proof.schema.fields:
        kinds[f.kind] = kinds.get(f.kind, 0) + 1
    counted = {lang: ", ".join(f"{KIND_WORDS[k].say(lang)} {n}" for k, n in sorted(kinds.items())) for lang in LANGS}
    overview = Section(
        title=Words(en="Overview", ko="개요"),
        lines=(
            Line(label=Words(en="Name of the synthetic data", ko="합성데이터명"), value=same(purpose.title)),
            Line(label=Words(en="Period of generation", ko="생성 기간"), value=same(proof.created[:10]), confirm=True),
            Line(label=Words(en="Name of the source", ko="원본데이터명"), value=same(source.name) if source else None),
            Line(
                label=Words(en="Type of the source", ko="원본데이터 유형"),
                value=Words(
                    en="□ personal data   □ pseudonymous data   □ other",
                    ko="□ 개인정보   □ 가명정보   □ 기타",
                ),
                confirm=True,
            ),
            Line(label=Words(en="Sector", ko="업종")),
            Line(
                label=Words(en="Attributes", ko="속성"),
                value=Words(
                    en=f"{len(proof.schema.fields)} items: {counted['en']}",
                    ko=f"{len(proof.schema.fields)}개 항목: {counted['ko']}",
                ),
            ),
            Line(
                label=Words(en="Format", ko="형식"),
                value=boxes(FORMATS, format_of(proof.schema.modality)),
            ),
        ),
    )
    steps = _steps(proof)
    environment = ", ".join(f"{k} {v}" for k, v in environment_rows(proof))
    rows = Words(en="images", ko="장") if proof.schema.modality == "image" else Words(en="rows", ko="행")
    sizes = Words(
        en=f"{made.units:,} units, {made.rows:,} {rows.en}" if made else "not known",
        ko=f"{made.units:,}개 단위, {made.rows:,}{rows.ko}" if made else "확인되지 않음",
    )
    known = generator_rows(proof)[1:]
    parameters = (
        Words(
            en="; ".join(f"{k.en}: {v.en}" for k, v in known),
            ko="; ".join(f"{k.ko}: {v.ko}" for k, v in known),
        )
        if known
        else None
    )
    prepare = Words(en="Environment and data preparation", ko="환경·데이터 준비")
    understand = Words(en="Data understanding", ko="데이터 이해")
    generate = Words(en="Generation", ko="생성")
    plan = Section(
        title=Words(en="Plan of generation", ko="생성 계획"),
        head=(Words(en="Step", ko="단계"), Words(en="Item", ko="구분"), Words(en="Content", ko="내용")),
        rows=(
            (prepare, Words(en="computing environment", ko="처리 환경"), same(environment, 600)),
            (prepare, Words(en="who processes, where (closed environment)", ko="처리 주체·장소(폐쇄 환경)"), None),
            (understand, Words(en="quasi-identifiers (K)", ko="식별가능정보(K)"), listed(purpose.quasi_identifiers)),
            (understand, Words(en="sensitive items (T)", ko="민감 항목(T)"), listed(purpose.sensitive)),
            (understand, Words(en="targets", ko="목표 변수"), listed(purpose.targets)),
            (understand, Words(en="preprocessing", ko="전처리"), steps),
            (generate, Words(en="generator", ko="생성기"), same(g.name)),
            (generate, Words(en="why this one", ko="선택 이유"), from_dict(g.because) if g.because else None),
            (generate, Words(en="properties and parameters", ko="성질과 매개변수"), parameters),
            (generate, Words(en="size", ko="생성 규모"), sizes),
            (generate, Words(en="special laws of the sector, legal notes", ko="특별법 등 법적 검토 의견"), None),
        ),
    )
    return Form(
        id="1-2",
        title=Words(en="Form 1-2: basis of generation", ko="서식 1-2 합성데이터 생성 기초자료 명세서"),
        sections=(overview, plan),
    )


def _steps(proof: Proof) -> Words | None:
    """Return what was done before learning, by the words of the report; a step of others' making goes by its name."""
    names = dict.fromkeys(printable(r.get("protection", "?"), 40) for r in proof.receipts)
    told = [PROTECTION_WORDS.get(n, Words(en=n, ko=n)) for n in names]
    return Words(en=", ".join(w.en for w in told), ko=", ".join(w.ko for w in told)) if told else None
