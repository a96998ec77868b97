"""Synthesizers: one algorithm, one file, one line here."""

CATALOGUE: dict[str, str] = {
    "auto": "synthproof.synthesizers.table.auto:Auto",
    "image.compose": "synthproof.synthesizers.image.compose:Compose",
    "image.flow": "synthproof.synthesizers.image.flow:Flow",
    "image.semantic": "synthproof.synthesizers.image.semantic:Semantic",
    "image.superres": "synthproof.synthesizers.image.superres:Superres",
    "image.translate": "synthproof.synthesizers.image.translate:Translate",
    "table.autoregressive": "synthproof.synthesizers.table.autoregressive:Autoregressive",
    "table.bayes_net": "synthproof.synthesizers.table.bayes_net:BayesNet",
    "table.cart_chain": "synthproof.synthesizers.table.cart_chain:CartChain",
    "table.copula": "synthproof.synthesizers.table.copula:Copula",
    "table.diffusion": "synthproof.synthesizers.table.diffusion:Diffusion",
    "table.dp_marginals": "synthproof.synthesizers.table.dp_marginals:DpMarginals",
    "table.gan": "synthproof.synthesizers.table.gan:Gan",
    "table.marginals": "synthproof.synthesizers.table.marginals:Marginals",
    "table.smote": "synthproof.synthesizers.table.smote:Smote",
    "table.vae": "synthproof.synthesizers.table.vae:Vae",
}
