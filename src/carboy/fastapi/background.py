"""BackgroundTasks: work after the answer is out. Starlette's, and each task is reported."""

import sys

from starlette.background import BackgroundTask
from starlette.background import BackgroundTasks as StarletteBackgroundTasks

__all__ = ["BackgroundTask", "BackgroundTasks"]

#: Loaded where an application reports to OpenTelemetry.
_OPERATIONS = "carboy.fastapi.telemetry._operations"


class BackgroundTasks(StarletteBackgroundTasks):
    """Several tasks, one after the other; an exception ends them."""

    async def __call__(self) -> None:
        reporting = sys.modules.get(_OPERATIONS)
        for task in self.tasks:
            if reporting is None:
                await task()
            else:
                with reporting.operation("background_task", task.func):
                    await task()
