"""Contract checks and worlds of known law, shipped for authors of plug-ins."""
