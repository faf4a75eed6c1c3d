"""What the samples have around them: the base of their pages, their login, colours, security."""
