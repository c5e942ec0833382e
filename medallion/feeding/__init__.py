"""Deliveries by HTTP: events or records that others send, landed before they are confirmed, and once."""
