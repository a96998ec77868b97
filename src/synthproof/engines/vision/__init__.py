"""Pictures as arrays: how alike two are, and the nearest after aligning them."""
