"""marathon-lb's configuration whole, for those who compare or replace it (the conformance cases are its contract)."""

from milepost.proxies.haproxy.contract.block import Block
from milepost.proxies.haproxy.contract.flags import ContractFlags
from milepost.proxies.haproxy.contract.whole import Contract, contract_for, contract_of, served_ids

__all__ = ["Block", "Contract", "ContractFlags", "contract_for", "contract_of", "served_ids"]
