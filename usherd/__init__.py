"""usherd: the user-management server that every Appwrite SDK can talk to."""

__version__ = "0.1.0"

COMPATIBLE_VERSION = "1.7.4"
"""The Appwrite version whose wire format is spoken; sent in `version` fields."""
