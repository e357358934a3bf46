"""A pytest plugin: tests that make a Starlette application make a FastAPI application instead.

For libraries that serve both and test with the first. A test module that imports Starlette's class
gets FastAPI's; nobody else does, since both packages look at the true one.
"""

from collections.abc import Generator
from typing import Any

import pytest
import starlette.applications
from fastapi import FastAPI


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """A test module is imported while it is collected."""
    if not isinstance(collector, pytest.Module):
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starlette.applications, "Starlette", FastAPI)
        return (yield)
