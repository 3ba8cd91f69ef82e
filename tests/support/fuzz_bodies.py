"""Any body at any address that takes one."""

from support import fuzz_documents as documents
from support.fuzz_claims import asked, can_be_put_back, comes_to_rest
from support.local_world import World
from support.shared import SHARED
from support.still_api import Answer, StillApi

Place = tuple[str, str]  # method and address
PLACES: tuple[Place, ...] = (
    ("POST", "/v2/apps"), ("PUT", "/v2/apps"), ("PATCH", "/v2/apps"), ("PUT", "/v2/apps/a"), ("PATCH", "/v2/apps/a"),
    ("PUT", "/v2/apps/a?partialUpdate=false"), ("POST", "/v2/groups"), ("PUT", "/v2/groups"), ("PUT", "/v2/groups/g"),
    ("POST", "/v2/groups/g"), ("PUT", "/v2/groups/g?dryRun=true"), ("POST", "/v2/tasks/delete"),
    ("POST", "/v2/apps/a/restart"), ("DELETE", "/v2/apps/a/tasks"), ("DELETE", "/v2/groups/g"),
)  # fmt: skip


def sent(place: Place, body: object) -> Answer:
    """The answer of a scheduler with one app, once it is seen that it is sound and that the scheduler is afterwards."""
    api = StillApi(World())
    assert api.ask("POST", "/v2/apps", {"id": "/a", "cmd": "sleep 1"}).status == 201
    answer = asked(api, *place, body)
    can_be_put_back(api)
    comes_to_rest(api)
    return answer


def all_bodies() -> documents.Documents:
    """With the published schemas where they are there."""
    if not SHARED.is_dir():
        return documents.any_body
    schemas = [documents.by_schema(name) for name in ("AppDefinition", "Group")]
    return documents.any_body | schemas[0] | schemas[1] | documents.spoilt(schemas[0]) | documents.spoilt(schemas[1])
