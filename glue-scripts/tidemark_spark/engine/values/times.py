"""Durations in ms, as core/values/time.ts has them."""

DAY = 86_400_000
