"""BackgroundTasks: work after the answer is out. Starlette's own, under FastAPI's path."""

from starlette.background import BackgroundTask, BackgroundTasks

__all__ = ["BackgroundTask", "BackgroundTasks"]
