"""Our backends in the suites that every backend passes; the suites are in kb_server/testing."""
