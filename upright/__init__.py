"""Runs a Tiltfile to a verdict."""
