"""Tasks write what they did into files below LEDGER_DONE, each with the release that did it."""
import os
import time
from pathlib import Path

from celery import Celery

BROKER = "redis://127.0.0.1:6379/0"
RELEASE = (Path(__file__).resolve().parent.parent / "release").read_text().strip()

app = Celery("ledger", broker=BROKER)
app.conf.broker_connection_retry_on_startup = True


@app.task(name="work")
def work(name, seconds):
    mark(name + ".begun")
    time.sleep(seconds)
    mark(name + ".done")


def mark(name):
    done = Path(os.environ["LEDGER_DONE"])
    (done / name).write_text(RELEASE + "\n")
