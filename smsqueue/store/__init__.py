"""Messages in Redis: one Lua script per operation, one method per script."""
