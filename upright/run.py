"""Starts a server and its controllers together, in one process and one event loop."""
