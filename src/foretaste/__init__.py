"""Foretaste: recommendations from what people did and from what items say."""
