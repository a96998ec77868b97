"""Stages, workspace, resume: the whole road."""
