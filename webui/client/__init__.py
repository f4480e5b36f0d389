"""The service's HTTP API, typed: one file a resource."""
