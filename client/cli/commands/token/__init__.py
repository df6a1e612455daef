"""Make, list and revoke the tokens of a shared server."""
