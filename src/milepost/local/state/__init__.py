"""What outlives the scheduler, in one SQLite database."""
