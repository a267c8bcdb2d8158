"""What a limit will do to traffic, on a clock that costs no time."""
