"""What may be said about messages outside the store."""
