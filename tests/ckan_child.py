"""Publishes twice, with a commit between, until it is killed (test_ckan_faults.py)."""

import asyncio
import os
import sys
from pathlib import Path

from ckan_house import described
from publishing import open_house, water

from publisher import log


async def main(folder: Path, url: str, organization: str) -> None:
    async with open_house(
        folder, **described(url, organization, os.environ["CKAN_TOKEN"])
    ) as house:
        await house.outbox.publish(house.name)
        await house.commit([water(f"s{n % 4}", n // 4, level=0.5) for n in range(40)])
        await house.outbox.publish(house.name)


log.configure("error")
asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
