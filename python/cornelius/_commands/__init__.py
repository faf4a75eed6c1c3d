"""What `cornelius.commands` is made of: from a posted body to its answer."""
