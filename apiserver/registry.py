"""See the room's page."""
