"""`davtari rules`, `davtari orders held`, `davtari shipping`: which document an order becomes, and when."""
