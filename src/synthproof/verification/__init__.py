"""Run a policy's plan over a case, simulate limits from real data, judge."""
