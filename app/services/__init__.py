"""Use cases. Each function reads: load, allow, act, record, return."""
