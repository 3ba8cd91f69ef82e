"""marathon-lb's text judged by a real HAProxy: what it names and is not on this machine is put in place or left out."""

import re
from pathlib import Path

from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.check import Checked, check
from milepost.proxies.haproxy.contract import Contract, ContractFlags
from milepost.proxies.haproxy.render import render_map

_CERTIFICATE = Path(__file__).parent / "certificate.pem"
_FILE = re.compile(r"\b(crt|ca-file) \S+")


async def judge(binary: Binary, folder: Path, contract: Contract, flags: ContractFlags) -> Checked:
    """What `haproxy -c` says of a contract, with its map files in `folder`."""
    text = in_place(folder, contract, flags)
    return await check(binary.path, folder / "haproxy.cfg", text, {})


def in_place(folder: Path, contract: Contract, flags: ContractFlags) -> str:
    """The text to be judged, which stands in `folder/haproxy.cfg` then."""
    folder.mkdir()
    for path, entries in contract.maps.items():
        (folder / Path(path).name).write_text(render_map(entries))
    lines = contract.text.replace(f"({flags.config_dir}/", f"({folder}/").split("\n")
    kept = [line for line in lines if "lua" not in line]  # its scripts answer, they do not route
    text = _FILE.sub(rf"\1 {_CERTIFICATE}", "\n".join(kept))
    (folder / "haproxy.cfg").write_text(text)
    return text
