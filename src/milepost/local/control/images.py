"""What runs images, and the pulls that take time."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import answer
from milepost.local.runtimes.chosen import Images


class ImageRoutes:
    """Tells what the runtime has found."""

    def __init__(self, images: Images) -> None:
        self._images = images

    def routes(self) -> list[Route]:
        return [Route("/images", self.read, methods=["GET"])]

    async def read(self, _: Request) -> Response:
        """`pulls` says for each task whose image takes more than a second how far that is."""
        containers = self._images.containers
        return answer({"runBy": str(self._images), "pulls": containers.pulls if containers else {}})
