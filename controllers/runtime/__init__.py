"""What every controller stands on: queue, mirrors, tasks, turns, and the manager that starts them."""
