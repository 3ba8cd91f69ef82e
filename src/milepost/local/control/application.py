"""All paths below `/local`, as one ASGI application."""

from starlette.applications import Starlette

from milepost.local.api.answer import not_found, not_kept, refusal, wrong_method
from milepost.local.apps.refusal import Refused
from milepost.local.control.crashes import Crashes
from milepost.local.control.nodes import Nodes
from milepost.local.control.output import Outputs
from milepost.local.engine import Engine
from milepost.local.runtimes.local import LocalRuntime
from milepost.local.state.errors import StateError


def control(engine: Engine, runtime: LocalRuntime) -> Starlette:
    parts = (Outputs(engine, runtime), Nodes(engine), Crashes(engine))
    return Starlette(
        routes=[route for part in parts for route in part.routes()],
        exception_handlers={Refused: refusal, StateError: not_kept, 404: not_found, 405: wrong_method},
    )
