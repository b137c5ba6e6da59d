"""What comes in and what goes out, one resource a file."""
