"""The worker with one more kind of job: it takes its time, and its effect is one row."""

import sys

import worker
from database import db
from work import Note, job

TRIES = 40  # whoever is killed so often must not give up for it
STEP_S = 0.05
EFFECT = "the effect"


@job("chaos", "Chaos", tries=TRIES, pauses_s=(1,), timeout_s=120)
def chaos(run, seconds):
    steps = int(seconds / STEP_S)
    for number in range(steps):
        run.progress(number + 1, steps, f"step {number + 1}")
        run.wait(STEP_S)
    db.session.add(Note(job_id=run.job_id, attempt=run.attempt, text=EFFECT))
    return {"Attempt": run.attempt}


if __name__ == "__main__":
    sys.exit(worker.main())
