"""What an RQ worker runs."""
from .celery import mark


def work(name, seconds):
    import time

    mark(name + ".begun")
    time.sleep(seconds)
    mark(name + ".done")
