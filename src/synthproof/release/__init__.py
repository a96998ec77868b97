"""The gate: what a committee approved becomes a signed bundle that anybody can check, call back and renew."""
