"""hoichan: a consultation hotline between hospitals."""

__version__ = "1.0.0"
