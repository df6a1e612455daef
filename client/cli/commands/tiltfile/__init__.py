"""Look at a Tiltfile without running it."""
