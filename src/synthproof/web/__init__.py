"""The committee's pages: a server for one institution, on one machine."""
