"""Container engines: one interface over the Docker Engine API, and three ways to get one."""
