"""A first warehouse from files: how they are written, what their columns hold, and a declaration that says so."""
