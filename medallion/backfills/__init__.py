"""Backfills: a pipeline run once for each logical time of a range, a few at once, after what is live.

plan (what would be run, and why) → create → fill (the sweeper keeps `max_active` of its runs alive) → it ends with its
last run. A logical time T stands for what was committed between the time before it and T. A load always takes all that
waits for it; what a backfill adds, where everything is redone, is that the batches of that time wait again.
"""
