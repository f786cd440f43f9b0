"""Who buys: the ladder of identities, and the client that is looked for or made in Balance."""
