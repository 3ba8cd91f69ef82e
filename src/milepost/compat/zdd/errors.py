"""Why a deployment ended early; each with the exit status that marathon-lb's tool had for it (19.1)."""

from typing import ClassVar

from milepost.errors import MilepostError


class ZddError(MilepostError):
    """Something that has no status of its own; what stands now is told."""

    exit_code: ClassVar[int] = 2


class WrongFlags(ZddError):
    """The flags do not fit together, or not what is deployed."""

    exit_code = 3


class MissingField(ZddError):
    """The app definition lacks what a deployment needs."""

    exit_code = 4


class BalancerSilent(ZddError):
    """No balancer tells how its servers do."""

    exit_code = 5


class NotRead(ZddError):
    """Marathon does not tell its apps."""

    exit_code = 6


class NotCreated(ZddError):
    exit_code = 7


class NotDeleted(ZddError):
    exit_code = 8


class NotScaled(ZddError):
    """Instances were not changed, or tasks not killed."""

    exit_code = 9
