"""Addresses of the pages: each asks the guard for one action, calls an act, and renders a page."""
