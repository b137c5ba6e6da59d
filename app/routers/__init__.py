"""HTTP: one resource a file; each endpoint translates, calls one service function and answers."""
