"""How pipelines are executed. PostgreSQL holds the state; Celery carries doorbells.

create → (ring) → claim → work, under a heartbeat → outcome → release the successors, finish the run.
A sweeper takes up whatever a dead process or a lost message left behind. Any transition is one
`UPDATE … WHERE state = old`; time is the database's clock. Locks are taken in this order: the run's row, its steps,
their leases and attempts; a claim takes no run's row.
"""
