"""The thread pool: order of events, growth, bounds. Waits on events, never on the clock."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import anyio.from_thread
import pytest

from carboy.core.errors import Overloaded
from carboy.server.pool import FIRST, Pool, pool_of


def test_run_returns_what_the_call_returns() -> None:
    async def main() -> None:
        pool = Pool(asyncio.get_running_loop())
        assert await pool.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await pool.run(divmod, 7, 0)
        pool.close()

    asyncio.run(main())


def test_stop_iteration_does_not_hang_the_caller() -> None:
    async def main() -> None:
        pool = Pool(asyncio.get_running_loop())
        with pytest.raises(RuntimeError, match="StopIteration"):
            await pool.run(next, iter(()))
        pool.close()

    asyncio.run(main())


def test_blocked_threads_make_the_pool_grow_to_its_limit_and_no_further() -> None:
    async def main() -> None:
        pool = Pool(asyncio.get_running_loop(), threads=12)
        together = threading.Barrier(12)
        # Each call waits for eleven others: this ends only if twelve threads run at once.
        await asyncio.gather(*(pool.run(together.wait, 60) for _ in range(12)))
        assert pool.size == 12
        await asyncio.gather(*(pool.run(together.wait, 60) for _ in range(24)))
        assert pool.size == 12
        pool.close()

    asyncio.run(main())


def test_one_more_than_the_first_threads_does_not_wait_for_another() -> None:
    """Nothing comes after it that would make the pool look."""

    async def run() -> None:
        pool = Pool(asyncio.get_running_loop())
        go_on = threading.Event()
        blocked = [pool.run(go_on.wait, 20) for _ in range(FIRST)]
        assert await asyncio.wait_for(pool.run(lambda: "served"), 10) == "served"
        go_on.set()
        await asyncio.gather(*blocked)
        pool.close()

    asyncio.run(run())


def test_quick_work_stays_on_few_threads() -> None:
    async def main() -> None:
        pool = Pool(asyncio.get_running_loop())
        for _ in range(200):
            await pool.run(int)
        assert pool.size == FIRST
        pool.close()

    asyncio.run(main())


def test_a_full_queue_refuses() -> None:
    async def main() -> None:
        pool = Pool(asyncio.get_running_loop(), threads=1, queue=3)
        started, go_on = threading.Event(), threading.Event()

        def block() -> None:
            started.set()
            go_on.wait(60)

        blocked = pool.run(block)
        while not started.is_set():
            await asyncio.sleep(0)
        waiting = [pool.run(int) for _ in range(3)]
        with pytest.raises(Overloaded, match="3 requests are waiting for 1 threads"):
            pool.run(int)
        go_on.set()
        await asyncio.gather(blocked, *waiting)
        assert await pool.run(int) == 0
        pool.close()

    asyncio.run(main())


def test_one_wake_up_of_the_loop_serves_many_results() -> None:
    async def main() -> None:
        pool = Pool(asyncio.get_running_loop())
        wakes, original = 0, pool._drain

        def drain() -> None:
            nonlocal wakes
            wakes += 1
            original()

        pool._drain = drain  # type: ignore[method-assign]
        done: list[int] = []

        def burst() -> None:
            for number in range(100):
                pool.post(done.append, number)

        # The loop is held here until the burst is over, so that all of it is due at once.
        thread = threading.Thread(target=burst)
        thread.start()
        thread.join()
        while len(done) < 100:
            await asyncio.sleep(0)
        assert done == list(range(100))
        assert wakes == 1
        pool.close()

    asyncio.run(main())


def test_work_sees_the_callers_context_and_keeps_its_own() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")

    def read_and_set() -> str:
        before = variable.get()
        variable.set("left behind")
        return before

    async def main() -> None:
        pool = Pool(asyncio.get_running_loop(), threads=1)
        variable.set("the caller's")
        assert await pool.run(read_and_set) == "the caller's"
        assert await pool.run(read_and_set) == "the caller's"
        pool.close()

    asyncio.run(main())


def test_anyio_from_thread_works_in_the_threads() -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    async def main() -> None:
        pool = Pool(asyncio.get_running_loop())
        assert await pool.run(anyio.from_thread.run, double, 21) == 42
        pool.close()

    asyncio.run(main())


def test_portal_runs_a_coroutine_from_a_thread() -> None:
    async def answer() -> int:
        return 42

    async def main() -> None:
        pool = pool_of(asyncio.get_running_loop())
        assert pool is pool_of(asyncio.get_running_loop())
        assert await pool.run(lambda: pool.portal(answer())) == 42

    asyncio.run(main())
