"""How texts are often sent with Celery: number and text as arguments. The control that shows what leaks then."""
