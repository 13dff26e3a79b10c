"""The running system: Celery app and tasks, pump, submit engine, receipts."""
