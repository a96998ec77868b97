"""Names of what stands in a bundle."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

FORMAT = 1
MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
PUBLIC_KEY = "public-key.pem"
README = "README.txt"
RECORD = "record.json"
PROVENANCE = "provenance.json"
CROISSANT = "croissant.json"
CSV, PARQUET = "data/synthetic.csv", "data/synthetic.parquet"
IMAGES = "data/images"
REVIEW_JOURNAL, RELEASE_JOURNAL = "journal/review.jsonl", "journal/release.jsonl"
NOTICE = "withdrawal.json"
"""A notice that a recipient may lay into the bundle; it is signed on its own and stands in no manifest."""


def made_with() -> str:
    """Return the version that stands in a bundle: name of this package and its installed version."""
    try:
        return version("synthproof")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "unknown"
