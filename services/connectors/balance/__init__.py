"""Balance's Exchange API: `client.Balance` is the way in; `items`, `stocks`, `prices`, `documents` … read its rows."""
