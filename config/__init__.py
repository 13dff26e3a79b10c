"""What an operator edits: settings, policy, server configuration, dashboard."""
