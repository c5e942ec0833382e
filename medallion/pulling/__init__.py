"""Pulling from HTTP APIs: page by page, each in one transaction with the place where the pull goes on."""
