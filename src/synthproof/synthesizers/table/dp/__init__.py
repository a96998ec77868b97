"""Parts of `table.dp_marginals`: exact noise, the ledger, domains, and counts that are seen only through them."""
