"""What Tilt has under alpha."""
