"""Declared rules while rows are drawn: what a column may still be, mending, and the drawing anew of what stays broken."""
