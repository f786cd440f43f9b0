"""Who may use the console: people, roles, sessions, API tokens, and the audit log."""
