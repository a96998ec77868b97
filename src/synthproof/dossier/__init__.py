"""Assemble, seal and render what a committee reads."""
