"""How fast, how small and how fair: our limiters beside their peers.

``python -m benchmarks`` measures every question of ``benchmarks.questions``
and prints one table of ratios. Nothing here asserts: a benchmark that fails a
build on a busy machine is soon switched off.
"""
