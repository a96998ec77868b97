"""Synthesizers: one algorithm, one file, one line here."""

CATALOGUE: dict[str, str] = {
    "table.marginals": "synthproof.synthesizers.table.marginals:Marginals",
}
