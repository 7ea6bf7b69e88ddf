from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from chat.store.threads import Threads


class ThreadsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.threads = Threads(2)
        self.addCleanup(self.threads.stop)
        self.told: SimpleQueue[tuple[bool, Any]] = SimpleQueue()
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)

    def call(self, function: Any, *arguments: Any) -> None:
        self.threads.callInThreadWithCallback(
            lambda success, result: self.told.put((success, result)), function, *arguments
        )

    def wait(self) -> str:
        assert self.gate.wait(30)
        return threading.current_thread().name

    def test_a_result_and_an_error_are_told(self) -> None:
        self.call(divmod, 7, 2)
        self.assertEqual(self.told.get(timeout=30), (True, (3, 1)))
        self.call(divmod, 7, 0)
        success, failure = self.told.get(timeout=30)
        self.assertFalse(success)
        self.assertIsInstance(failure.value, ZeroDivisionError)

    def test_one_thread_serves_what_comes_one_after_the_other(self) -> None:
        names = set()
        for _ in range(5):
            self.call(threading.current_thread)
            names.add(self.told.get(timeout=30)[1].name)
        self.assertEqual(len(names), 1)

    def test_more_at_once_have_more_threads_up_to_the_limit(self) -> None:
        for _ in range(4):
            self.call(self.wait)
        self.gate.set()
        names = {self.told.get(timeout=30)[1] for _ in range(4)}
        self.assertLessEqual(len(names), 2)
        self.gate.clear()
        begun = threading.Barrier(3)
        for _ in range(2):
            self.call(begun.wait, 30)
        begun.wait(30)

    def test_stop_does_what_was_given_and_ends_the_threads(self) -> None:
        before = threading.active_count()
        for number in range(5):
            self.call(abs, number)
        self.threads.stop()
        self.assertEqual(sorted(self.told.get_nowait()[1] for _ in range(5)), [0, 1, 2, 3, 4])
        self.assertEqual(threading.active_count(), before)
