"""Forms as PDF and as DOCX, in one language each; the same forms give the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from synthproof.core.errors import MissingExtraError
from synthproof.core.words import Lang, Words
from synthproof.dossier.forms import Form, Section
from synthproof.dossier.render_pdf import moment_of, typeset

TITLE = Words(en="Papers of a release of synthetic data", ko="합성데이터 반출 서식")
_DATE = Words(en="Date", ko="작성 일자")
_SIGNATURE = Words(en="Author (signature)", ko="작성자(서명)")
# Present on Korean office machines; a reader without it falls back to a Hangul font of its own.
_HANGUL, _LATIN = "맑은 고딕", "Malgun Gothic"
_TINT, _RULE = "EEF1F4", "8A949E"
_PADDING = (0.9, 1.9)
"""Space between text and rule of a cell, above and beside it, mm."""
_SIGNED = 12.0
"""Height of the row that a person signs in, mm."""
_WIDEST = 60
"""Signs from which on a column gets no wider."""


def forms_pdf(forms: Sequence[Form], *, bundle: str, created: str, lang: Lang) -> bytes:
    """Return the forms as one PDF, its Hangul font embedded.

    Raises
    ------
    StateError
        ``dossier/print-failed``, ``dossier/font-missing``.
    """
    content = {
        "title": TITLE.to_dict(),
        "bundle": bundle,
        "labels": {"date": _DATE.to_dict(), "signature": _SIGNATURE.to_dict()},
        "forms": [_plain(form, lang) for form in forms],
    }
    return typeset("synthproof.release", "forms.typ", "forms.json", content, lang=lang, created=created)


def _plain(form: Form, lang: Lang) -> dict[str, Any]:
    return {
        "title": form.title.to_dict(),
        "wide": form.wide,
        "signed": form.signed,
        "sections": [
            {
                "title": s.title.to_dict(),
                "note": s.note.to_dict() if s.note else None,
                "lines": [
                    {"label": x.label.to_dict(), "value": x.value.to_dict() if x.value else None} for x in s.lines
                ],
                "head": [w.to_dict() for w in s.head],
                "widths": widths(s, lang),
                "rows": [[w.to_dict() if w else None for w in row] for row in s.rows],
                "paragraphs": [w.to_dict() if w else None for w in s.paragraphs],
            }
            for s in form.sections
        ],
    }


def widths(section: Section, lang: Lang) -> list[float]:
    """Return relative widths of a table's columns by the longest text in them, Hangul counted double."""
    if not section.head:
        return []
    columns = list(zip(section.head, *section.rows, strict=False))
    # a column that is empty throughout is for a person to write in
    longest = [
        max(_columns_of(w.say(lang)) if w else 0 for w in column) if any(column[1:]) else 16 for column in columns
    ]
    return [round(min(max(n, 5), _WIDEST) ** 0.8, 2) for n in longest]


def _columns_of(text: str) -> int:
    return sum(2 if ord(c) >= 0x1100 else 1 for c in text)


def forms_docx(forms: Sequence[Form], *, bundle: str, created: str, lang: Lang) -> bytes:
    """Return the forms as one editable document (Office Open XML), Hangul font names set.

    Raises
    ------
    MissingExtraError
        ``extra/missing``.
    """
    try:
        import docx
        from docx.enum.section import WD_ORIENT, WD_SECTION
        from docx.shared import Mm, Pt
    except ModuleNotFoundError as error:
        raise MissingExtraError("extra/missing", library="python-docx", extra="release") from error
    document = docx.Document()
    style = document.styles["Normal"]
    _font(style.element.get_or_add_rPr(), style.font)
    style.font.size = Pt(9.5)
    for level in (1, 2):
        heading = document.styles[f"Heading {level}"]
        _font(heading.element.get_or_add_rPr(), heading.font)
        heading.font.size = Pt(14 if level == 1 else 10.5)
    for at, form in enumerate(forms):
        part = document.sections[0] if at == 0 else document.add_section(WD_SECTION.NEW_PAGE)
        short, long = Mm(210), Mm(297)
        part.orientation = WD_ORIENT.LANDSCAPE if form.wide else WD_ORIENT.PORTRAIT
        part.page_width, part.page_height = (long, short) if form.wide else (short, long)
        part.left_margin = part.right_margin = part.top_margin = part.bottom_margin = Mm(18)
        part.footer.is_linked_to_previous = False
        part.footer.paragraphs[0].text = f"{bundle} · {form.title.say(lang)}"
        _form(document, form, (261 if form.wide else 174), lang)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = TITLE.say(lang), "synthproof", bundle
    properties.language = "ko-KR" if lang == "ko" else "en"
    moment = moment_of(created).replace(tzinfo=None)
    properties.created = properties.modified = moment
    properties.last_modified_by = "synthproof"
    out = io.BytesIO()
    document.save(out)
    return _same_bytes(out.getvalue())


def _form(document: Any, form: Form, width: int, lang: Lang) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    document.add_heading(form.title.say(lang), level=1).alignment = WD_ALIGN_PARAGRAPH.CENTER
    for s in form.sections:
        document.add_heading(s.title.say(lang), level=2)
        if s.note:
            document.add_paragraph(s.note.say(lang))
        if s.lines:
            rows = [[x.label.say(lang), x.value.say(lang) if x.value else ""] for x in s.lines]
            _table(document, rows, [36, width - 36], head=False)
        if s.head:
            shares = widths(s, lang)
            cells = [[w.say(lang) for w in s.head]] + [[w.say(lang) if w else "" for w in row] for row in s.rows]
            _table(document, cells, [width * share / sum(shares) for share in shares], head=True)
        for p in s.paragraphs:
            document.add_paragraph(p.say(lang) if p else "\n\n\n")
    if form.signed:
        # Where one signs never stands alone on a page.
        last = document.element.body.xpath("(./w:p | ./w:tbl)[last()]")[0]
        for paragraph in last.xpath("./w:tr[last()]//w:p") or [last]:
            paragraph.get_or_add_pPr().get_or_add_keepNext()
        document.add_paragraph().paragraph_format.keep_with_next = True
        row = [[_DATE.say(lang), "", _SIGNATURE.say(lang), ""]]
        rest = (width - 24 - 34) / 2
        _table(document, row, [24, rest, 34, rest], head=False, labels=(0, 2), tall=_SIGNED)


def _table(
    document: Any,
    rows: Sequence[Sequence[str]],
    sizes: Sequence[float],
    *,
    head: bool,
    labels: tuple[int, ...] = (0,),
    tall: float = 0.0,
) -> None:
    from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Mm

    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    table.style = "Table Grid"
    table.autofit = False
    _dress(table._tbl.tblPr)
    for at, size in enumerate(sizes):
        table.columns[at].width = Mm(size)
    for y, (row, texts) in enumerate(zip(table.rows, rows, strict=True)):
        if tall:
            row.height = Mm(tall)
        whole = OxmlElement("w:cantSplit")
        row._tr.get_or_add_trPr().insert(0, whole)
        if head and y == 0:
            again = OxmlElement("w:tblHeader")
            again.set(qn("w:val"), "true")
            row._tr.get_or_add_trPr().append(again)
        for x, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
            cell.width = Mm(sizes[x])
            cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
            run = cell.paragraphs[0].add_run(text)
            if (head and y == 0) or (not head and x in labels):
                run.bold = True
                shade = OxmlElement("w:shd")
                for name, value in (("val", "clear"), ("color", "auto"), ("fill", _TINT)):
                    shade.set(qn(f"w:{name}"), value)
                properties = cell._tc.get_or_add_tcPr()
                properties.insert_element_before(shade, "w:noWrap", "w:tcMar", "w:vAlign")


def _dress(properties: Any) -> None:
    """Give a table air and thin rules, flush with the text; elements in the order that the format's schema asks for."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    def made(name: str, **values: str) -> Any:
        element = OxmlElement(f"w:{name}")
        for key, value in values.items():
            element.set(qn(f"w:{key}"), value)
        return element

    above, beside = (str(round(mm * 1440 / 25.4)) for mm in _PADDING)
    borders, margins = made("tblBorders"), made("tblCellMar")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        borders.append(made(side, val="single", sz="4", space="0", color=_RULE))
    for side, wide in (("top", above), ("left", beside), ("bottom", above), ("right", beside)):
        margins.append(made(side, w=wide, type="dxa"))
    properties.insert_element_before(made("tblInd", w=beside, type="dxa"), "w:tblBorders", "w:tblLayout", "w:tblLook")
    properties.insert_element_before(borders, "w:tblLayout", "w:tblLook")
    properties.insert_element_before(margins, "w:tblLook")


def _font(properties: Any, font: Any) -> None:
    """Name the font for Latin and for Hangul letters; Word looks the second up by an attribute of its own."""
    from docx.oxml.ns import qn
    from docx.shared import RGBColor

    font.name = _LATIN
    font.color.rgb = RGBColor(0x1F, 0x29, 0x33)
    names = properties.find(qn("w:rFonts"))
    for kind in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        names.attrib.pop(qn(f"w:{kind}"), None)
    names.set(qn("w:eastAsia"), _HANGUL)


def _same_bytes(packed: bytes) -> bytes:
    """Return a zip file without the time of packing: the same forms give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            new.writestr(entry, old.read(name))
    return out.getvalue()
