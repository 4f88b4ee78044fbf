"""Slow actions of the window: a coroutine in Qt's loop, its blocking parts in a pool of threads."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from medview.core.errors import Cancelled, MedViewError
from medview.core.progress import CancelToken
from medview.core.words import say
from medview.session import Session
from medview.session.events import Message

T = TypeVar("T")
_LOOK_EVERY_S, _PATIENCE_S = 0.02, 1.5
_log = logging.getLogger("medview.gui")


def _settle(work: Future[T], function: Callable[..., T], args: tuple[Any, ...]) -> None:
    try:
        work.set_result(function(*args))
    except BaseException as error:  # noqa: BLE001 - handed to whoever awaits it
        work.set_exception(error)


class Operations:
    """Runs coroutines, keeps them alive, and turns their errors into sentences in the window."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="medview")
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def start(self, action: Coroutine[Any, Any, None]) -> None:
        """Begin an action; it goes on while the window answers."""
        if self._is_closed:
            action.close()
            return
        task = asyncio.get_event_loop_policy().get_event_loop().create_task(self._guard(action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that is cancelled before its first step never came to its action.
        task.add_done_callback(lambda _task: action.close())

    def run(self, work: Callable[[], object], then: Callable[[object], None]) -> None:
        """Do something slow in a thread, then hand its result on."""

        async def action() -> None:
            then(await self.call(work))

        self.start(action())

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Await a blocking function in a thread."""
        loop = asyncio.get_event_loop_policy().get_event_loop()
        return await loop.run_in_executor(self._pool, function, *args)

    async def call_or_leave(self, cancel: CancelToken, function: Callable[..., T], *args: Any) -> T:
        """As call, but a thread that does not end after a cancel is left behind.

        A read from a drive that went away may never return; the window goes on without it.
        """
        work: Future[T] = Future()
        thread = threading.Thread(target=_settle, args=(work, function, args), daemon=True)
        thread.start()  # a daemon: it must not keep the program from ending either
        patience = _PATIENCE_S
        while not work.done():
            await asyncio.sleep(_LOOK_EVERY_S)
            if cancel.is_cancelled:
                patience -= _LOOK_EVERY_S
            if patience < 0:
                _log.warning("a read that does not return was left behind")
                raise Cancelled
        return work.result()

    @property
    def is_busy(self) -> bool:
        """Whether some action has not ended."""
        return bool(self._tasks)

    @property
    def count(self) -> int:
        """How many actions have not ended."""
        return len(self._tasks)

    def close(self) -> None:
        """Let running threads end; nothing new begins."""
        self._is_closed = True
        for task in tuple(self._tasks):
            task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _guard(self, action: Coroutine[Any, Any, None]) -> None:
        try:
            await action
        except Cancelled:
            self._session.events.send(Message(say("Cancelled.")))
        except MedViewError as error:
            sentence = (
                error.what
                if error.what_to_do is None
                else say("{what} {todo}", what=error.what, todo=error.what_to_do)
            )
            self._session.events.send(Message(sentence, "bad", error.where))
        except asyncio.CancelledError:
            _log.info("an action ended with the window")
        except Exception as error:  # noqa: BLE001 - the top of an operation: log and show
            if self._is_closed:  # widgets and threads are going: what fails now concerns nobody
                return
            _log.exception("an action failed")
            self._session.events.send(
                Message(
                    say("Something failed inside MedView ({kind}).", kind=type(error).__name__),
                    "bad",
                )
            )
