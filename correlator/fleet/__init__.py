"""More than one machine: findings on their way from hosts to where they are kept, and questions to what is there."""
