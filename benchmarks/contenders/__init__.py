"""The limiters that are compared, each behind the same few verbs.

A contender has only the verbs for which it can do the same work; a question
asks whoever has the verb it needs. Every peer is set up the way that is
fastest for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .asynciolimiter import Asynciolimiter
from .bucket import First, Ours
from .floor import Floor
from .limits import Limits, LimitsMoving
from .pyrate import Pyrate
from .stdlib import Lock, Semaphore
from .throttled import Throttled

if TYPE_CHECKING:
    from .face import Contender

CONTENDERS: dict[str, type[Contender]] = {
    "ours": Ours,
    "aiolimiter": First,
    "asynciolimiter": Asynciolimiter,
    "throttled": Throttled,
    "pyrate": Pyrate,
    "limits": Limits,
    "limits-moving": LimitsMoving,
    "lock": Lock,
    "semaphore": Semaphore,
    "floor": Floor,
}

for _name, _contender in CONTENDERS.items():
    _contender.name = _name

__all__ = ["CONTENDERS"]
