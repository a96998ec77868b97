"""Metrics: one file each, one line here each."""

CATALOGUE: dict[str, str] = {
    "any.generation": "synthproof.metrics.any.generation:Generation",
    "table.exact_copies": "synthproof.metrics.table.exact_copies:ExactCopies",
    "table.pipc_linkage": "synthproof.metrics.table.pipc_linkage:PipcLinkage",
    "table.pipc_singling_out": "synthproof.metrics.table.pipc_singling_out:PipcSinglingOut",
    "table.shape": "synthproof.metrics.table.shape:Shape",
    "table.validity": "synthproof.metrics.table.validity:Validity",
    "table.distinguishability": "synthproof.metrics.table.distinguishability:Distinguishability",
}
