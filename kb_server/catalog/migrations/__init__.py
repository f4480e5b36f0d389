"""How older catalogs become today's, one file a step."""
