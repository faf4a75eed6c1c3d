"""The app: contacts of everybody and of each team."""
