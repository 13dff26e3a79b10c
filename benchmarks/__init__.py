"""What smsqueue costs, beside the same work done with one Celery task per message, in the same run."""
