"""Which app a refusal comes from, where HAProxy does not say: found by leaving apps out."""

from collections.abc import Awaitable, Callable, Collection, Sequence

IsRefused = Callable[[Collection[str]], Awaitable[bool]]


async def find_culprit(apps: Sequence[str], is_refused: IsRefused) -> str | None:
    """One of `apps` without which more is accepted, None where even none of them is refused.

    `is_refused(apps)` tells whether a configuration with these apps only is refused. Takes about log2(n) questions.
    """
    if not apps or await is_refused(()):
        return None
    innocent, suspects = 0, len(apps)  # the first `innocent` are accepted, the first `suspects` are refused
    while suspects - innocent > 1:
        middle = (innocent + suspects) // 2
        if await is_refused(apps[:middle]):
            suspects = middle
        else:
            innocent = middle
    return apps[suspects - 1]
