"""How things stand, for those who read: streams and their snapshots, one's offers, the directory."""
