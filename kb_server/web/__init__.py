"""Pages from the web: fetched only from public addresses, within limits, as robots.txt allows."""
