"""BackgroundTasks: work after the answer is out. Starlette's own."""

from starlette.background import BackgroundTask, BackgroundTasks

__all__ = ["BackgroundTask", "BackgroundTasks"]
