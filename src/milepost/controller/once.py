"""One table made to run, without staying: the loop's pass for those who come, set right, and go."""

from functools import partial

from milepost.model.routing import RoutingTable
from milepost.proxies.base import ActualT, DesiredT, Proxy

_MOST_STEPS = 10  # a server that waits for its last session would keep a plan alive for as long as that lasts


async def bring(proxy: Proxy[DesiredT, ActualT], table: RoutingTable) -> None:
    """Have the proxy run `table`, and its file say so. Raises ProxyError; what ran before runs then, or a part of what
    is new.
    """
    actual = await proxy.observe()
    for _ in range(_MOST_STEPS):
        desired = proxy.desired(table)
        plan = proxy.plan(desired, actual)
        if not plan:
            break
        if plan.live:
            actual = (await proxy.apply(plan, actual)).actual
        if plan.structure:
            actual = (await proxy.restructure(partial(proxy.desired, table))).actual
    await proxy.save(proxy.desired(table))
