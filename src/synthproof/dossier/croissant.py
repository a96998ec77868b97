"""Croissant 1.0 metadata with the responsible-AI vocabulary, as a draft that release completes.

The vocabulary is that of http://mlcommons.org/croissant/1.0 and http://mlcommons.org/croissant/RAI/1.0. What only the
institution can say (licence, address, publisher) is marked; the checksum of the file is added when it is released.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthproof.core.evidence import FAMILIES, RESULT_WORDS
from synthproof.dossier.cards import DIGITAL_SOURCE, kind_of, limitations
from synthproof.dossier.disclose import printable
from synthproof.policy.purposes import ENVIRONMENT_WORDS, FORM_WORDS
from synthproof.verification.proof import Proof

CONFORMS = ("http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0")
_CR = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format", "includes",
    "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated",
    "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
_TYPES = {
    "boolean": "sc:Boolean",
    "integer": "sc:Integer",
    "continuous": "sc:Float",
    "datetime": "sc:DateTime",
}
# The registered name is another, but readers of Croissant files know Parquet by this one alone.
PARQUET_TYPE = "application/x-parquet"
_FORMATS = {
    "csv": ("synthetic.csv", "text/csv"),
    "parquet": ("synthetic.parquet", PARQUET_TYPE),
    "excel": ("synthetic.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "jsonl": ("synthetic.jsonl", "application/jsonl"),
}
TO_BE_STATED = "to be stated by the institution before release"


def croissant(proof: Proof, preview: Mapping[str, Any], fingerprint: str) -> dict[str, Any]:
    """Return the metadata as JSON-LD values; it tells nothing of the original but that there was one."""
    purpose = proof.purpose
    name = printable(purpose.title, 120) or "synthetic-data"
    file, mime = _FORMATS.get(str(preview.get("container", "")), _FORMATS["parquet"])
    context: dict[str, Any] = {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "iptc": "http://cv.iptc.org/newscodes/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        **{term: f"cr:{term}" for term in _CR},
    }
    return {
        "@context": context,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS),
        "name": name,
        "description": f"{described(proof, preview)}. Draft: it is completed when the data are released.",
        "license": {"@type": "CreativeWork", "name": TO_BE_STATED},
        "url": f"urn:{fingerprint}",
        "creator": {"@type": "Organization", "name": printable(purpose.maker or purpose.holder) or TO_BE_STATED},
        "dateCreated": proof.created[:10],
        "datePublished": proof.created[:10],
        "version": "1.0.0",
        "keywords": ["synthetic data", kind_of(proof)],
        "citeAs": f"{printable(purpose.maker or purpose.holder) or TO_BE_STATED}: {name} (synthetic data), "
        f"{proof.created[:4]}",
        "isLiveDataset": False,
        "digitalSourceType": DIGITAL_SOURCE,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "synthetic-table",
                "name": file,
                "contentUrl": file,
                "encodingFormat": mime,
                "description": f"Synthetic records; content fingerprint {fingerprint}.",
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "records",
                "name": "records",
                "field": [_field(c, i) for i, c in enumerate(preview.get("columns", ()))],
            }
        ],
        **_responsible(proof),
    }


def described(proof: Proof, preview: Mapping[str, Any]) -> str:
    """Return in a few words what the data set is."""
    rows = int(preview.get("rows", 0))
    if proof.schema.modality == "image":
        return f"{rows:,} fully machine-made (synthetic) pictures with a table of their labels"
    return f"Fully machine-made (synthetic) table of {rows:,} records"


def _field(column: Mapping[str, Any], at: int) -> dict[str, Any]:
    name = str(column["name"])
    return {
        "@type": "cr:Field",
        "@id": f"records/{at}",
        "name": printable(name, 120),
        "description": f"synthetic, {column['kind']}",
        "dataType": _TYPES.get(str(column["kind"]), "sc:Text"),
        "source": {"fileObject": {"@id": "synthetic-table"}, "extract": {"column": printable(name, 120)}},
    }


def _responsible(proof: Proof) -> dict[str, Any]:
    purpose, g = proof.purpose, proof.generator
    treated = ", ".join(dict.fromkeys(printable(r.get("protection", "?"), 30) for r in proof.receipts))
    results = "; ".join(
        f"{family}: {RESULT_WORDS[proof.verdict.families[family]].en}"
        for family in FAMILIES
        if family in proof.verdict.families
    )
    return {
        "rai:dataCollection": f"No person was observed for this file: every record was drawn by the generator "
        f"{printable(g.name)} after it had learned from real records of the institution.",
        "rai:dataCollectionType": "Software Collection",
        "rai:dataPreprocessingProtocol": f"Protection before learning: {treated or 'none on record'}.",
        "rai:dataManipulationProtocol": f"Refinements of the drawn records: "
        f"{', '.join(printable(r.get('name', r.get('what', 'logged')), 60) for r in proof.refinements) or 'none'}.",
        "rai:personalSensitiveInformation": "No record describes a real person. The columns are those of a data set on "
        "people and may concern sensitive subjects.",
        "rai:dataBiases": "Biases of the source are reproduced; rare groups are merged or absent.",
        "rai:dataLimitations": " ".join(w.en for w in limitations(proof)),
        "rai:dataUseCases": f"{printable(purpose.description, 600) or purpose.use.replace('_', ' ')} "
        f"({FORM_WORDS[purpose.form].en}, {ENVIRONMENT_WORDS[purpose.environment].en}).",
        "rai:dataSocialImpact": f"Verified by policy {printable(proof.verdict.policy)} version "
        f"{proof.verdict.policy_version}: {results or 'no deciding rule'}.",
        "rai:dataReleaseMaintenancePlan": "A change of purpose, addressee or environment, or a new batch, needs a new "
        "verification; a release can be withdrawn.",
    }
