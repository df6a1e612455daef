"""Pure functions that print a Scheme: discovery, OpenAPI, tables, partial metadata."""
