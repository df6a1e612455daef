"""What is healthy and what is not: pure functions of what was observed and the clock, one module a family of rules."""
