"""The limit on open files."""

import resource


def allow_open_files() -> None:
    """Raise our soft limit to the hard one, which tasks inherit: each task that runs takes a file of ours."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
