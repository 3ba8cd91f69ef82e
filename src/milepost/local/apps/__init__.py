"""What an app is: its canonical definition, and how one is read from the JSON that somebody sent. Pure."""
