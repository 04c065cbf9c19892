"""What is thought of a security, computed from its figures alone: scores with their coverage."""
