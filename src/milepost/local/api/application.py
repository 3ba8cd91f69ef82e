"""All of Marathon's API, as one ASGI application."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware

from milepost.local.api.about import About
from milepost.local.api.answer import not_found, not_kept, refusal, wrong_method
from milepost.local.api.apps import Apps
from milepost.local.api.deployments import Deployments
from milepost.local.api.groups import Groups
from milepost.local.api.manners import Manners
from milepost.local.api.stream import Events
from milepost.local.api.tasks import Tasks
from milepost.local.apps.refusal import Refused
from milepost.local.engine import Engine
from milepost.local.state.errors import StateError
from milepost.local.ui.pages import Pages


def application(engine: Engine, address: str, abdicate: Callable[[], None]) -> Starlette:
    """`address` is where it listens, "host:port"; `abdicate` is called when a client takes the leadership away."""
    about = About(engine, address, abdicate)
    parts = (Apps(engine), Tasks(engine), Deployments(engine), Groups(engine), Events(engine), about, Pages())
    return Starlette(
        routes=[route for part in parts for route in part.routes()],
        exception_handlers={Refused: refusal, StateError: not_kept, 404: not_found, 405: wrong_method},
        middleware=[Middleware(Manners, address)],
    )
