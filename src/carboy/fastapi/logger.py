"""The logger of this dialect. COMPAT: it has FastAPI's name, which logging set-ups refer to."""

import logging

logger = logging.getLogger("fastapi")
