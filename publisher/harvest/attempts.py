"""How often a delivery may be tried: one that always breaks its judging must block no other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from publisher import __version__
from publisher.errors import DeliveryError, EngineMemoryError, PublisherError
from publisher.landing import Landing
from publisher.model.run import Delivery, Seen

ATTEMPTS = 5
"""That may end in an unexpected error, or with the process. A process that is killed while it
judges looks like one that the delivery has ended, and kills may come one after the other."""

_UNJUDGEABLE = "unjudgeable"
_DIED = "process ended"


_alone = threading.Lock()


def given_up(landing: Landing, delivery: Delivery) -> DeliveryError | None:
    """Give what a delivery is refused for at which too many attempts broke down."""
    broken = landing.attempts(delivery)
    if len(broken) < ATTEMPTS:
        return None
    return DeliveryError(
        _UNJUDGEABLE, attempts=len(broken), reason=broken[-1], publisher=__version__
    )


@contextmanager
def attempt(landing: Landing, delivery: Delivery) -> Iterator[None]:
    """Count an attempt at judging and settling the delivery, before it is made.

    It counts no longer once it has come to an end that tells nothing against the delivery: it
    is settled, or this machine failed (a full disk, a store that is held).
    """
    broken = landing.attempts(delivery)
    # What ended a process before is tried alone: a second one would share its blame
    with _alone if broken else nullcontext():
        landing.record_attempts(delivery, [*broken, _DIED])
        try:
            yield
        except EngineMemoryError as error:
            landing.record_attempts(delivery, [*broken, error.code])
            raise
        except (PublisherError, OSError):
            landing.record_attempts(delivery, broken)
            raise
        except Exception as error:
            landing.record_attempts(delivery, [*broken, type(error).__name__])
            raise


def worth_another(last: Seen) -> bool:
    """Tell whether what another version gave up on may be judged by this one."""
    problem = last.rejection.problem if last.rejection else None
    return (
        problem is not None
        and problem.code == _UNJUDGEABLE
        and problem.params.get("publisher") != __version__
    )
