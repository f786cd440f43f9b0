"""Rules of the catalogue that services and commands share: which items are sold, as which product, at which price."""
