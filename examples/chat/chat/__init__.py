"""The app: rooms, what is said in them, and the commands that say it."""
