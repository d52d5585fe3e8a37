"""What decoded values mean: findings from the model alone, on any machine."""
