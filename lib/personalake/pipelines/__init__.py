"""One module per job: read tables, pure functions, write tables. The only place where rooms meet."""
