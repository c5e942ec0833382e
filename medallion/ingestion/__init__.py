"""From files to bronze rows."""
