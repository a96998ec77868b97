"""Machinery without opinions, shared by the floors above."""
