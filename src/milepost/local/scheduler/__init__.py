"""All decisions of the local scheduler: (state, message or command, time) -> (state, effects). Pure.

`cluster` is the state, `effects` what goes in and out; `react` takes in what happened to tasks, `changes` what is
asked for from outside. `lifecycle`, `settle` and `deployments` do the work, `rollout`, `backoff`, `health` and `ports`
hold the rules, `render` and `events` say it in Marathon's words.
"""
