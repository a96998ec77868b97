"""Classifiers and regressions that judge: features, cross-fitting, a linear model and boosted trees."""
