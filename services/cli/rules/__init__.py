"""`davtari rules`, `davtari shipping`: which document an order becomes, and when."""
