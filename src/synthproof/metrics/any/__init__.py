"""Metrics that fit every modality."""
