"""An app of a project, with commands of its own."""
