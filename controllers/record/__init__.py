"""What the deciding engine saw, kept in a file, and played again."""
