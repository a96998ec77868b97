"""Stages, workspace, resume: the whole road, and the library face over it."""
