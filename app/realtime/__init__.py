"""The stream: every fact to everyone who may hear it, in order and without a gap."""
