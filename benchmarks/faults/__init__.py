"""What servers do when something is wrong: Carboy beside FastAPI on uvicorn (`make faults`)."""
