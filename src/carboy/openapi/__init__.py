"""What every face needs of OpenAPI: the bundled pages. Knows no face, no server, no framework."""
