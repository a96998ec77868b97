"""Synthesizers: one algorithm, one file, one line here."""

CATALOGUE: dict[str, str] = {
    "auto": "synthproof.synthesizers.table.auto:Auto",
    "image.augment": "synthproof.synthesizers.image.augment:Augment",
    "image.dcgan": "synthproof.synthesizers.image.dcgan:Dcgan",
    "image.ddpm": "synthproof.synthesizers.image.ddpm:Ddpm",
    "image.duplicate": "synthproof.synthesizers.image.duplicate:Duplicate",
    "image.flow": "synthproof.synthesizers.image.flow:Flow",
    "image.pggan": "synthproof.synthesizers.image.pggan:Pggan",
    "image.vae": "synthproof.synthesizers.image.vae:Vae",
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
