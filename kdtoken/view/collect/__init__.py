"""What collect.py wrote inside the guest."""
