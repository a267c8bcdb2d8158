"""What the script keeps under a key, as a server finds it whose clock went back."""

from __future__ import annotations

import json


def stepped(text: str, seconds: float) -> str:
    """Return *text*, all of whose instants are later by *seconds*."""

    def later(instant: int) -> int:
        return instant and instant + round(seconds * 1_000_000)

    head, terms, in_force, others = text.removeprefix("v4 ").split("\n")
    *levels, last, given, raised, many, at, low = json.loads(head)
    assert len(levels) == 1, "of one rate"
    head = [*levels, later(last), given, later(raised), many, later(at), low]
    if in_force:
        heard, changed, version, until, since, *rest = json.loads(in_force)
        instants = [later(heard), later(changed), version, later(until), later(since)]
        in_force = json.dumps([*instants, *rest])
    lows = [[later(at), low] for at, low in json.loads(f"[{others}]")]
    return "\n".join(
        [f"v4 {json.dumps(head)}", terms, in_force, json.dumps(lows)[1:-1]]
    )
