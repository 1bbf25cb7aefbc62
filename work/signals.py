"""What is told of a job, inside the transaction that changed it: whoever shows jobs listens. It decides nothing."""

from blinker import Signal

created = Signal()  # sent with the job
moved = Signal()  # with the job, in its new state
progressed = Signal()  # with the job, committed: a step on the way, worthless a second later
noted = Signal()  # with the Notes that were added to its log, in order
