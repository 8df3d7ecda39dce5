"""What happens to a message; knows no platform, no model, no file format."""
