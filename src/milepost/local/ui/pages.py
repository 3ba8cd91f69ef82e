"""The files of the page, as they lie beside, with headers that let them load nothing from elsewhere."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from milepost.local.apps.refusal import Refused

START = "/ui/"
MEDIA_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Pages:
    """What apps are called and say is put into the page by its script, as text; nothing is put together here."""

    def __init__(self) -> None:
        self._files = {each.name: each.read_bytes() for each in files(__package__).joinpath("page").iterdir()}

    def routes(self) -> list[Route]:
        return [
            Route("/", self.start, methods=["GET"]),
            Route(START.rstrip("/"), self.start, methods=["GET"]),
            Route(START, self.read, methods=["GET"]),
            Route(START + "{name}", self.read, methods=["GET"]),
        ]

    async def start(self, _: Request) -> Response:
        """Where a browser that was given only host and port ends up (marathon-api 2)."""
        return RedirectResponse(START, 302)

    async def read(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in self._files:
            raise Refused(404, f"URI not found: {request.url.path}")
        media_type = MEDIA_TYPES[name.rpartition(".")[2]]
        return Response(self._files[name], headers=SECURITY, media_type=media_type)
