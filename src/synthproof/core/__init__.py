"""Nouns, contracts, randomness, run, registry, errors and statistics: what every floor stands on."""
