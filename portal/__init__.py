"""Yuqiao: the platform, and the people and organisations that use it."""
