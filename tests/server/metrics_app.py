"""What test_metrics serves from several processes."""

from __future__ import annotations

import os

from carboy import App
from carboy.plugins.prometheus import Metrics

metrics = Metrics()
app = App(plugins=[metrics])
metrics.expose(app)


@app.get("/pid")
async def pid() -> int:
    return os.getpid()


@app.get("/counted")
def counted() -> int:
    return os.getpid()
