"""What would happen: changes of declarations before they are migrated, loads before they run."""
