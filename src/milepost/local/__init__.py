"""A small Marathon-compatible scheduler for one machine, known to the rest of milepost only over HTTP.

`apps` and `scheduler` decide (pure: state, message, time -> effects); `engine` carries effects out; `api` speaks
Marathon's HTTP; `runtimes` run the tasks. docs/local-scheduler.md tells what is answered and what is not.
"""
