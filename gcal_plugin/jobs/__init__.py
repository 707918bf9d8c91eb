"""Time comes in through here: queues that wake workers, and the clock that needs no queue."""
