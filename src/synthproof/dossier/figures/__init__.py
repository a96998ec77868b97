"""Pictures of a dossier, drawn as plain SVG: few bytes, sharp in print, the same on every machine."""
