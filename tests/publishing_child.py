"""Commits and publishes version after version until it is killed (test_target_folder.py)."""

import asyncio
import random
import sys
from pathlib import Path

from publishing import open_house, water

from publisher import log


async def main(folder: Path) -> None:
    async with open_house(folder) as house:
        while True:
            await house.commit([water(f"s{n % 5}", n, level=random.random()) for n in range(20)])
            sys.stdout.write("publishing\n")
            sys.stdout.flush()
            [result] = await house.outbox.publish("vand")
            if result.outcome == "failed":
                raise SystemExit(str(result.problem))


log.configure("error")
asyncio.run(main(Path(sys.argv[1])))
