"""Synthesizers of images."""
