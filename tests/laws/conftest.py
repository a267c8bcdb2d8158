"""Laws that are only asked whether they hold need not find the simplest case."""

from __future__ import annotations

import os

from hypothesis import Phase, settings

if "LAWS_WHETHER" in os.environ:
    settings.register_profile(
        "whether",
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
    )
    settings.load_profile("whether")
