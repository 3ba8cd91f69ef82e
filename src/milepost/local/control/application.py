"""All paths below `/local`, as one ASGI application."""

from starlette.applications import Starlette

from milepost.local.api.answer import not_found, not_kept, refusal, wrong_method
from milepost.local.apps.refusal import Refused
from milepost.local.control.crashes import Crashes
from milepost.local.control.faults import FaultControl
from milepost.local.control.images import ImageRoutes
from milepost.local.control.nodes import Nodes
from milepost.local.control.output import Outputs
from milepost.local.engine import Engine
from milepost.local.outages import Outages
from milepost.local.runtimes.chosen import Images
from milepost.local.state.errors import StateError


def control(engine: Engine, images: Images, outages: Outages) -> Starlette:
    parts = (
        Outputs(engine, images.sandboxes),
        Nodes(engine),
        Crashes(engine),
        FaultControl(engine, outages),
        ImageRoutes(images),
    )
    return Starlette(
        routes=[route for part in parts for route in part.routes()],
        exception_handlers={Refused: refusal, StateError: not_kept, 404: not_found, 405: wrong_method},
    )
