"""The OpenAPI document of a FastAPI application: its models, its making, its pages."""
