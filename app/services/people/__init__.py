"""Accounts, their sign-in and channels, and the network of hospitals that they belong to."""
