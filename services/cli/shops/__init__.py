"""`davtari shop`: which shop is known, whether another one answers, and a person's word that it is the right one."""
