"""Lands deliveries until it is killed, or once under a limit on file sizes.

landing_child.py FOLDER SEED             prints each delivery's number once it has landed
landing_child.py FOLDER SEED --limit N   no file may grow past N bytes
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from publisher.landing import Landing, Offer
from publisher.model.values import TableRef

REF = TableRef("air", "rows")


def body(number: int, seed: int) -> bytes:
    """Give delivery *number*; the same for the same seed, wherever it is asked."""
    draw = random.Random(seed * 100_003 + number)
    return draw.randbytes(draw.choice([0, 10, 5_000, 1_500_000]))


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 100_000):
        yield data[start : start + 100_000]


async def land_all(landing: Landing, seed: int) -> None:
    for number in range(1_000_000):
        await landing.land(REF, Offer(f"{number}.csv", chunks(body(number, seed))))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def main() -> None:
    landing = Landing(Path(sys.argv[1]), max_bytes=10_000_000)
    asyncio.run(land_all(landing, int(sys.argv[2])))


if __name__ == "__main__":
    main()
