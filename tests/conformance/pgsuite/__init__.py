"""PostgreSQL's own test suites, taken from Debian's source package and run against a server or a proxy."""
