"""The JSON API of the console: `/api/v1`, for programs with a token."""
