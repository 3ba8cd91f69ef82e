"""What the operator decides about routing."""

from dataclasses import dataclass
from enum import StrEnum

from milepost.model.problem import Problem
from milepost.routing.claims import Grant
from milepost.routing.own_texts import TextReview, no_texts


class Conflicts(StrEnum):
    """Who gets a port or host that several apps want: who has it already, or always the lower app id."""

    HOLDER = "holder"
    LOWER_ID = "lower-id"


@dataclass(frozen=True, slots=True)
class Policy:
    """How an operator wants apps to be routed.

    `groups`: a port is taken where one of its groups is among these; "*" takes every port. `strict`: only ports
    with the label ENABLED set to true. `health_check`: a task of an app with health checks gets traffic only
    while the scheduler reports it alive. `healthy_share`: where fewer of the running tasks that were ever alive
    still are, the others serve on; 0 for never. `readiness`: a task that a deployment started gets none before its
    readiness check says that it is ready. `assign_ports`: first and last of the service ports that are given to
    ports without one, None for none. `reserved_ports` are milepost's own listeners. `deployment_target`: the label
    DEPLOYMENT_TARGET_INSTANCES counts also without NEW_INSTANCES; marathon-lb drained all but one then (its Q39).
    `review` judges what owners write into the proxy's configuration themselves. `grants` say which hosts and ports an
    app may have, none for all. `serves_tls`: there is a shared port of TLS. `verifies_servers`: there are certificates
    to trust, so that an owner may ask for tasks' to be verified. `skipped` are ids of apps that get nothing. `complete`
    adds to a service what the operator writes into the proxy's configuration, None for nothing; `problems` are what is
    wrong with that.

    `exact` decides as marathon-lb did (docs/conformance.md lists the differences): several apps may claim one
    port or host, odd but harmless label values stand as they are, and an app with one that cannot be read is left out.
    """

    groups: tuple[str, ...]
    strict: bool = False
    health_check: bool = True
    assign_ports: tuple[int, int] | None = (10_050, 10_100)
    exact: bool = False
    reserved_ports: frozenset[int] = frozenset()
    conflicts: Conflicts = Conflicts.HOLDER
    healthy_share: float = 0.5
    readiness: bool = True
    serves_tls: bool = True
    verifies_servers: bool = False
    review: TextReview = no_texts
    grants: tuple[Grant, ...] = ()
    deployment_target: bool = False
    skipped: frozenset[str] = frozenset()
    complete: TextReview | None = None
    problems: tuple[Problem, ...] = ()
